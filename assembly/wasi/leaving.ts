/** What leaves, collected in the arena as records of a capture file and written at the end. */
import { NONE, VERDICT_DELIVER } from '../../bindings/generated/abi.as';
import { verdictName } from '../../bindings/generated/names.as';
import { arenaTop } from './arena';
import { appendEnhancedPacket, appendInterface, appendSection } from './blocks';
import { createFile, failWriting } from './files';
import { linkOf, packetAt, packetSize, putVerdict, verdictOf } from './packets';
import { appendPcapHeader, appendPcapRecord } from './pcap';
import { clearLine, lineAt, lineLength, put, putNumber, writeAll } from './print';
import { fd_close } from './wasi_snapshot_preview1';

/** Places where packets leave: access links by number, then one for each verdict. */
const PLACES: u32 = 256 + 8;
const FIRST_VERDICT: u32 = 256;

/** Places by number of their interface. */
const ORDER: usize = memory.data(528, 8);

let byInterface: bool = false;
let interfaces: u32 = 0;
let first: usize = 0;

/** Begins: a pcapng file by interface and with comments, or a plain pcap file. Nothing else may use the arena then. */
export function beginLeaving(pcapng: bool): void {
  byInterface = pcapng;
  first = arenaTop();
  if (!pcapng) appendPcapHeader();
}

/** Adds the packet of a descriptor; `number` is that of the captured packet, or `NONE`. */
export function leave(index: u32, number: u32, time: u64): void {
  const packet = packetAt(index);
  const size = packetSize(index);
  if (!byInterface) return appendPcapRecord(time, packet, size);
  clearLine();
  if (number == NONE) {
    put('made or released');
  } else {
    put('packet ');
    putNumber(number);
  }
  put(': ');
  putVerdict(index);
  const verdict = verdictOf(index);
  const place = verdict == VERDICT_DELIVER ? linkOf(index) : FIRST_VERDICT + verdict;
  appendEnhancedPacket(interfaceOf(place), time, packet, size, lineAt(), lineLength());
  clearLine();
}

function interfaceOf(place: u32): u32 {
  for (let itf: u32 = 0; itf < interfaces; itf++) {
    if (load<u16>(ORDER + (itf << 1)) == place) return itf;
  }
  if (interfaces < PLACES) store<u16>(ORDER + (interfaces << 1), place as u16);
  return interfaces++;
}

/** Writes the file. */
export function writeLeaving(path: usize, length: usize): void {
  const end = arenaTop();
  if (byInterface) appendHead();
  const fd = createFile(path, length);
  // Interfaces stand before the packets but are known after them only.
  const sound = writeAll(fd, end, arenaTop() - end) && writeAll(fd, first, end - first);
  if (fd_close(fd) != 0 || !sound) failWriting(path, length);
}

function appendHead(): void {
  appendSection();
  for (let itf: u32 = 0; itf < interfaces; itf++) {
    const place: u32 = load<u16>(ORDER + (itf << 1));
    clearLine();
    if (place < FIRST_VERDICT) {
      put('access');
      putNumber(place);
    } else {
      put(verdictName(place - FIRST_VERDICT));
    }
    appendInterface(lineAt(), lineLength());
  }
  clearLine();
}
