import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import * as readline from 'node:readline';
import koffi from 'koffi';
const n = Number(process.argv[2] ?? 1000);
const rounds = Number(process.argv[3] ?? 15);
const variants = (process.argv[4] ?? 'build/maar.wasm,build/maar-scalar.wasm').split(',');
const madvise = koffi.load(null).func('int madvise(void *a, size_t l, int advice)');
let s = 12345;
const rnd = () => {
  s = (s + 0x6d2b79f5) >>> 0;
  let t = s;
  t = Math.imul(t ^ (t >>> 15), t | 1);
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
  return (t ^ (t >>> 14)) >>> 0;
};
const keys = Buffer.alloc(n * 17);
for (let i = 0; i < n; i++) {
  keys.writeUInt32BE(0x20010db8, i * 17);
  for (let w = 4; w < 16; w += 4) keys.writeUInt32LE(rnd(), i * 17 + w);
  keys[i * 17 + 16] = 128;
}
const q = Math.max(65536, Math.min(1 << 20, n));
const hit = Buffer.alloc(q * 16),
  miss = Buffer.alloc(q * 16);
for (let i = 0; i < q; i++) {
  const k = rnd() % n;
  keys.copy(hit, i * 16, k * 17, k * 17 + 16);
  keys.copy(miss, i * 16, k * 17, k * 17 + 16);
  miss[i * 16] ^= 0x10;
}
writeFileSync('/tmp/lk/keys', keys);
writeFileSync('/tmp/lk/hit', hit);
writeFileSync('/tmp/lk/miss', miss);
function child(path: string) {
  const c = spawn(path, [], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = readline.createInterface(c.stdout)[Symbol.asyncIterator]();
  return {
    ask: async (l: string) => {
      c.stdin.write(l + '\n');
      return (await lines.next()).value as string;
    },
    next: async () => (await lines.next()).value,
    end: () => c.stdin.end(),
  };
}
function v8(path: string) {
  const ex: any = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(path)), {}).exports;
  const t0 = performance.now();
  const st = ex.init(1024, n, 1, 16, 4, 1, 0x1122334455667788n, 0x20010db800ff0000n, 1n, 1500, 0);
  if (st) throw new Error('init ' + st);
  madvise(new Uint8Array(ex.memory.buffer), ex.memory.buffer.byteLength, 14);
  const mem = new Uint8Array(ex.memory.buffer);
  const cmd = ex.base(3) >>> 0;
  for (let i = 0; i < n; i += 256) {
    const m = Math.min(256, n - i);
    mem.fill(0, cmd, cmd + 64 * m);
    for (let j = 0; j < m; j++) {
      const at = cmd + 64 * j;
      mem[at] = 2;
      mem[at + 2] = 128;
      mem.set(keys.subarray((i + j) * 17, (i + j) * 17 + 16), at + 16);
      mem[at + 32] = 0x20;
      mem[at + 47] = 2 + ((i + j) % 16);
    }
    ex.apply(m);
    for (let j = 0; j < m; j++) if (mem[cmd + 64 * j + 1]) throw new Error('status');
  }
  const at = ex.base(12) >>> 0,
    out = new Uint32Array(ex.memory.buffer, ex.base(13) >>> 0, 1024);
  console.log(path, 'fill', (performance.now() - t0).toFixed(0), 'ms', ex.memory.buffer.byteLength);
  return (qs: Buffer) => {
    let spent = 0,
      hits = 0,
      sum = 0;
    for (let i = 0; i + 1024 <= q; i += 1024) {
      mem.set(qs.subarray(i * 16, i * 16 + 16384), at);
      const t = performance.now();
      ex.lookup(1024, 1000000n);
      spent += performance.now() - t;
      for (let k = 0; k < 1024; k++)
        if (out[k] !== 0xffffffff) {
          hits++;
          sum += out[k]!;
        }
    }
    return [spent * 1e6, hits, sum].join(' ');
  };
}
const twin = child('/tmp/lk/twin'),
  dpdk = child('/tmp/lk/dpdk');
await dpdk.next();
console.log(
  'twin',
  await twin.ask(`keys /tmp/lk/keys ${n}`),
  'dpdk',
  await dpdk.ask(`keys /tmp/lk/keys ${n}`),
);
const engines: Record<string, (w: string) => Promise<string> | string> = {
  c_load: (w) => twin.ask(`round /tmp/lk/${w} ${q} load`),
  c_pref: (w) => twin.ask(`round /tmp/lk/${w} ${q} prefetch`),
  bulk: (w) => dpdk.ask(`round /tmp/lk/${w} ${q} bulk`),
  single: (w) => dpdk.ask(`round /tmp/lk/${w} ${q} single`),
};
for (const v of variants) {
  const f = v8(v);
  engines[v.replace(/.*\//, '')] = (w) => f(w === 'hit' ? hit : miss);
}
console.log(
  [...readFileSync('/proc/self/smaps', 'utf8').matchAll(/AnonHugePages: +(\d+)/g)].reduce(
    (a, m) => a + Number(m[1]),
    0,
  ),
  'kB huge',
);
for (const w of (process.argv[5] ?? 'hit,miss').split(',')) {
  const all: Record<string, number[]> = {};
  for (let r = 0; r < rounds; r++) {
    const order = Object.keys(engines).sort(() => Math.random() - 0.5);
    for (const e of order) {
      const [ns, h, sum] = (await engines[e]!(w)).split(' ');
      (all[e] ??= []).push(Number(ns) / q);
      if (r === 0) console.log(e, h, sum);
    }
  }
  const med = (a: number[]) => [...a].sort((x, y) => x - y)[a.length >> 1]!;
  for (const e of Object.keys(all))
    console.log(
      w,
      n,
      e.padEnd(18),
      med(all[e]!).toFixed(1),
      'vs bulk',
      med(all[e]!.map((x, i) => x / all['bulk']![i]!)).toFixed(2),
      'vs c_load',
      med(all[e]!.map((x, i) => x / all['c_load']![i]!)).toFixed(2),
    );
}
twin.end();
dpdk.end();
