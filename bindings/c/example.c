/*
 * The data plane in a program of one's own, by the C API that WebAssembly engines share (wasm.h): loads the module,
 * makes one tunnel, sends one packet through it. How to build it: docs/load-it.md.
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wasm.h>

#include "maar_abi.h"

/* Capacities of `init`; `flow_entries` may be 0. */
enum { BATCH = 8, DESTINATIONS = 16, SOURCES = 16, PEERS = 4, FLOWS = 64, HELD = 6, FLOW_ENTRIES = 0 };
enum { ACCESS_LINK = 0, CORE_MTU = 1500, FRAMES = 3 * BATCH + 2 * HELD };

/* 2001:db8:ff::1, where tunnels to this router end. */
#define LOCATOR_HIGH UINT64_C(0x20010db800ff0000)
#define LOCATOR_LOW UINT64_C(1)
static const char PEER[] = "2001:db8:ff::2", HOST[] = "2001:db8:1:1::10", CORRESPONDENT[] = "2001:db8:2:2::20";

static wasm_exporttype_vec_t names;
static wasm_extern_vec_t exports;

static _Noreturn void fail(const char *what, const char *which)
{
    fprintf(stderr, "example: %s %s\n", what, which);
    exit(1);
}

static wasm_extern_t *find(const char *name)
{
    size_t length = strlen(name);
    for (size_t i = 0; i < names.size; i++) {
        const wasm_name_t *found = wasm_exporttype_name(names.data[i]);
        /* Some engines count the NUL that ends a name. */
        if (found->size >= length && found->size <= length + 1 && memcmp(found->data, name, length) == 0)
            return exports.data[i];
    }
    fail("the module does not export", name);
}

#define U32(value) WASM_I32_VAL((int32_t)(value))
#define U64(value) WASM_I64_VAL((int64_t)(value))
#define CALL(name, ...) call(name, &(wasm_val_vec_t)WASM_ARRAY_VEC(((wasm_val_t[]){__VA_ARGS__})))

/* A program that runs on looks each function up once, and survives a trap: it makes a new instance. */
static uint32_t call(const char *name, const wasm_val_vec_t *arguments)
{
    wasm_val_t result[] = {U32(0)};
    wasm_val_vec_t results = WASM_ARRAY_VEC(result);
    wasm_func_t *function = wasm_extern_as_func(find(name));
    if (function == NULL)
        fail("the module exports as something else the function", name);
    if (wasm_func_call(function, arguments, &results) != NULL)
        fail("trap in", name);
    return (uint32_t)result[0].of.i32;
}

/* The records of an area. Only after `init`: it grows the memory, which may move. */
static void *area(uint32_t code, size_t records, size_t size)
{
    wasm_memory_t *memory = wasm_extern_as_memory(find("memory"));
    uint32_t base = CALL("base", U32(code));
    if (memory == NULL || base == 0 || (uint64_t)base + records * size > wasm_memory_data_size(memory))
        fail("an area is outside of the", "memory");
    return wasm_memory_data(memory) + base;
}

static wasm_module_t *load(wasm_store_t *store, const char *path)
{
    wasm_byte_vec_t binary;
    FILE *file = fopen(path, "rb");
    if (file == NULL || fseek(file, 0, SEEK_END) != 0 || ftell(file) < 0)
        fail("cannot read", path);
    wasm_byte_vec_new_uninitialized(&binary, (size_t)ftell(file));
    rewind(file);
    if (fread(binary.data, 1, binary.size, file) != binary.size)
        fail("cannot read", path);
    fclose(file);
    wasm_module_t *module = wasm_module_new(store, &binary);
    if (module == NULL)
        fail("the engine does not take", path);
    wasm_byte_vec_delete(&binary);
    return module;
}

static void init(void)
{
    uint64_t seed = UINT64_C(0x1122334455667788); /* of the hashes: a router takes one that nobody knows */
    uint32_t status = CALL("init", U32(BATCH), U32(DESTINATIONS), U32(SOURCES), U32(PEERS), U32(FLOWS), U32(HELD),
                           U32(FLOW_ENTRIES), U64(seed), U64(LOCATOR_HIGH), U64(LOCATOR_LOW), U32(CORE_MTU), U32(0));
    if (status != MAAR_STATUS_OK)
        fail("init answers", maar_status_name(status));
}

/* Sources of the access link, a tunnel for one prefix, and the peer whose tunnels end here in turn. */
static void apply(void)
{
    struct maar_command *commands = area(MAAR_AREA_COMMANDS, MAAR_LIMIT_COMMANDS, MAAR_COMMAND_SIZE);
    memset(commands, 0, 3 * sizeof *commands);
    commands[0].op = MAAR_COMMAND_PUT_SOURCE;
    commands[0].link = ACCESS_LINK;
    commands[0].length = 128;
    inet_pton(AF_INET6, HOST, commands[0].prefix);
    commands[1].op = MAAR_COMMAND_PUT_TUNNEL;
    commands[1].length = 128;
    inet_pton(AF_INET6, CORRESPONDENT, commands[1].prefix);
    inet_pton(AF_INET6, PEER, commands[1].address);
    commands[2].op = MAAR_COMMAND_PUT_PEER;
    inet_pton(AF_INET6, PEER, commands[2].prefix);
    CALL("apply", U32(3));
    for (int i = 0; i < 3; i++)
        if (commands[i].status != MAAR_STATUS_OK)
            fail("a command is", maar_status_name(commands[i].status));
}

/* Writes a packet into frame 0, behind its headroom; a router has its network card or socket do that, many at once. */
static void receive(uint8_t *frames, struct maar_descriptor *descriptor)
{
    static const uint8_t start[] = {0x60, 0, 0, 0, 0, 8, 59, 64}, payload[] = {1, 2, 3, 4, 5, 6, 7, 8};
    uint8_t *packet = frames + MAAR_LIMIT_HEADROOM;
    memcpy(packet, start, sizeof start);
    inet_pton(AF_INET6, HOST, packet + 8);
    inet_pton(AF_INET6, CORRESPONDENT, packet + 24);
    memcpy(packet + 40, payload, sizeof payload);
    descriptor->offset = maar_le16(MAAR_LIMIT_HEADROOM);
    descriptor->length = maar_le16(40 + sizeof payload);
    descriptor->port = ACCESS_LINK;
    descriptor->flags = 0;
}

static void print(const uint8_t *frames, uint32_t index, const struct maar_descriptor *out)
{
    uint16_t offset = maar_le16(out->offset), length = maar_le16(out->length);
    const char *verdict = maar_verdict_name(out->verdict);
    if (verdict == NULL || offset + length > MAAR_LIMIT_FRAME_SIZE)
        fail("a descriptor makes no sense after", "process");
    printf("%s ", verdict);
    for (const uint8_t *packet = frames + index * MAAR_LIMIT_FRAME_SIZE + offset; length > 0; length--)
        printf("%02x", *packet++);
    printf("\n");
}

int main(int count, char **arguments)
{
    if (count != 2)
        fail("usage: example", "MODULE.wasm");
    wasm_engine_t *engine = wasm_engine_new();
    wasm_store_t *store = wasm_store_new(engine);
    wasm_module_t *module = load(store, arguments[1]);
    wasm_extern_vec_t imports = WASM_EMPTY_VEC;
    wasm_instance_t *instance = wasm_instance_new(store, module, &imports, NULL);
    if (instance == NULL)
        fail("cannot instantiate", arguments[1]);
    wasm_module_exports(module, &names);
    wasm_instance_exports(instance, &exports);

    wasm_val_vec_t none = WASM_EMPTY_VEC;
    if (call("abi_version", &none) != MAAR_ABI_VERSION)
        fail("the module has another version than", "maar_abi.h");
    init();
    apply();
    uint8_t *frames = area(MAAR_AREA_FRAMES, FRAMES, MAAR_LIMIT_FRAME_SIZE);
    struct maar_descriptor *descriptors = area(MAAR_AREA_DESCRIPTORS, FRAMES, MAAR_DESCRIPTOR_SIZE);
    receive(frames, descriptors);

    uint32_t outputs = CALL("process", U32(1), U64(1000));
    if (outputs > FRAMES) /* MAAR_NONE among them */
        fail("the batch is refused by", "process");
    const uint32_t *output = area(MAAR_AREA_OUTPUTS, FRAMES, sizeof *output);
    for (uint32_t i = 0; i < outputs; i++) {
        uint32_t index = maar_le32(output[i]);
        if (index >= FRAMES)
            fail("an output makes no sense after", "process");
        print(frames, index, &descriptors[index]);
    }
    const uint64_t *counters = area(MAAR_AREA_COUNTERS, MAAR_COUNTER_SLOTS, sizeof *counters);
    for (uint32_t code = 0; code < MAAR_COUNTER_SLOTS; code++)
        if (counters[code] != 0 && maar_counter_name(code) != NULL)
            printf("%s %" PRIu64 "\n", maar_counter_name(code), maar_le64(counters[code]));

    wasm_extern_vec_delete(&exports);
    wasm_exporttype_vec_delete(&names);
    wasm_instance_delete(instance);
    wasm_module_delete(module);
    wasm_store_delete(store);
    wasm_engine_delete(engine);
    return 0;
}
