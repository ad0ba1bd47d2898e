import { readFileSync } from 'node:fs';
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { DataPlaneModule } from '../../../bindings/node/module.ts';
import { PumpExports } from '../../../bindings/node/pump.ts';
import { clockFrom } from '../clock.ts';
import { SystemError, addressOf, close, read, recv } from '../ffi.ts';
import { AF } from '../linux.ts';
import { parseMessages } from '../netlink/message.ts';
import { deletesTable } from '../netlink/set-element.ts';
import { RawReceiver } from '../raw-socket.ts';
import { ControlPorts } from './control-ports.ts';
import { FlowRecorder } from './flow-recorder.ts';
import type { FromWorker, ToWorker, WorkerSetup } from './messages.ts';
import { PacketPath } from './packet-path.ts';
import type { PathCounters } from './packet-path.ts';
import { PollSet } from './poll-set.ts';
import { PumpPipes } from './pump-pipes.ts';

/**
 * The packet worker: owns the data plane and sleeps in poll(2) on everything that brings packets or tidings.
 * It has no event loop of its own; messages are fetched after a kick of the eventfd.
 */
const port = parentPort!;
const setup = workerData as WorkerSetup;
const stop = new Int32Array(setup.stop);
const clock = clockFrom(setup.clockOrigin);
const { engine } = setup;
const dataPlane = new DataPlaneModule(
  'pump' in engine
    ? new PumpExports(new PumpPipes(engine.pump).exchange)
    : new Uint8Array(readFileSync(engine.module)),
  setup.dataPlane,
);
const path = new PacketPath(dataPlane, setup.coreTun, setup.dataPlane.locator, setup.accessInterfaces);
const flows = new FlowRecorder(setup.pool);
const polled = new PollSet();
const controlPorts = new ControlPorts(clock, post);

const kick = new Uint8Array(new ArrayBuffer(8));
const datagram = new Uint8Array(new ArrayBuffer(1 << 17));
const datagramAddress = addressOf(datagram);
const mobility = new RawReceiver('receive a Mobility Header');

function post(message: FromWorker): void {
  port.postMessage(message);
}

function handle(message: ToWorker): void {
  switch (message.type) {
    case 'apply': {
      // The kernel's route may be gone already: what it led here meets the entries that it was led here for.
      path.fromCoreTun(clock());
      const statuses = dataPlane.apply(message.commands);
      flows.applied(message.commands);
      // Released packets leave before control hears of it, and before any packet that came later.
      path.flush(clock());
      post({ type: 'applied', batch: message.batch, statuses });
      return;
    }
    case 'dump':
      post({
        type: 'dump',
        request: message.request,
        counters: addUp(dataPlane.counters(), path.counters),
        entries: dataPlane.dump(),
        pairs: dataPlane.pairs(),
      });
      return;
    case 'open-port':
      polled.add(message.fd, () => controlPorts.readable(message));
      return;
    case 'close-port':
      polled.remove(message.fd);
      close(message.fd);
  }
}

/** Counters that both know by the same name are one counter to the reader. */
function addUp(module: Readonly<Record<string, number>>, own: PathCounters): Record<string, number> {
  const sum: Record<string, number> = { ...module };
  for (const [name, value] of Object.entries(own) as [string, number][]) sum[name] = (sum[name] ?? 0) + value;
  return sum;
}

function drainMessages(): void {
  read(setup.wake, kick, 'read the eventfd');
  for (;;) {
    const received = receiveMessageOnPort(port);
    if (received === undefined) return;
    handle(received.message as ToWorker);
  }
}

function drainMobility(): void {
  while (mobility.receive(setup.mobility, datagramAddress, datagram.length)) {
    const { length, ifindex } = mobility.packet;
    post({ type: 'mobility', src: mobility.source(), ifindex, data: datagram.slice(0, length) });
  }
}

/** Takes all datagrams of a netlink socket; `lost` is called where the kernel had to leave some out. */
function drainDatagrams(fd: number, take: (data: Uint8Array) => void, lost: () => void): void {
  for (;;) {
    let length: number | undefined;
    try {
      length = recv(fd, datagram, 'receive netlink events');
    } catch (error) {
      if (!(error instanceof SystemError && error.code === 'ENOBUFS')) throw error;
      lost();
      continue;
    }
    if (length === undefined) return;
    take(datagram.subarray(0, length));
  }
}

/** The kernel also tells of every neighbour's state, which nobody asks about here. */
function postRouteEvents(data: Uint8Array): void {
  const wanted = parseMessages(data).some(({ body }) => body[0] === AF.unspec || body[0] === AF.bridge);
  if (wanted) post({ type: 'route-events', data: data.slice() });
}

function postEvents(events: ReturnType<typeof dataPlane.events>): void {
  if (events.length > 0) post({ type: 'events', events });
}

polled.add(setup.wake, drainMessages);
polled.add(setup.coreTun, () => path.fromCoreTun(clock()));
for (const { fd, link } of setup.accessTuns) polled.add(fd, () => path.fromAccessTun(fd, link, clock()));
polled.add(setup.tunnel, () => path.fromTunnelSocket(setup.tunnel, clock()));
polled.add(setup.errors, () => path.fromErrorSocket(setup.errors, clock()));
polled.add(setup.mobility, drainMobility);
if ('pump' in engine) {
  // Between requests a pump says nothing, so that what can be read is the end.
  polled.add(engine.pump.answers, () => {
    throw new Error('the pump has ended');
  });
}
polled.add(setup.routeEvents, () =>
  drainDatagrams(setup.routeEvents, postRouteEvents, () => post({ type: 'route-events-lost' })),
);
const tellOfTables = (): void => post({ type: 'table-deleted' });
polled.add(setup.tableEvents, () =>
  drainDatagrams(
    setup.tableEvents,
    (data) => {
      if (parseMessages(data).some(deletesTable)) tellOfTables();
    },
    tellOfTables,
  ),
);
polled.add(setup.connectionEvents, () =>
  drainDatagrams(
    setup.connectionEvents,
    (data) => postEvents(flows.read(data, clock())),
    // A lost connection event is made good by the connection table that the next usage report reads.
    () => undefined,
  ),
);

post({ type: 'ready' });
while (Atomics.load(stop, 0) === 0) {
  const deadline = dataPlane.deadline();
  const timeout = deadline === undefined ? -1 : Math.max(0, Math.ceil(deadline - clock()));
  polled.wait(timeout);
  const due = dataPlane.deadline();
  if (due !== undefined && due <= clock()) path.flush(clock());
  postEvents(dataPlane.events());
}
