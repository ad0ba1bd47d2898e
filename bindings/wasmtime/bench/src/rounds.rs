//! Rounds. Keys and packets are copied into linear memory before the time runs; only calls are timed.

use std::time::{Duration, Instant};

use maar_module::abi;

use crate::Result;
use crate::tables::{ADDRESS, BATCH, CALL, STATION_AT, Tables, VALUES, neighbour};

/// Milliseconds; all engines have the same second.
const NOW: u64 = 1_000_000;
const HEADER: usize = 40;
const OUTER_SOURCE_AT: usize = 8;
const FRAME: usize = abi::LIMIT_FRAME_SIZE as usize;
const HEADROOM: usize = abi::LIMIT_HEADROOM as usize;

/// Looks up `count` addresses of `queries`; "NANOSECONDS HITS SUM".
pub fn lookups(tables: &mut Tables, queries: &[u8], count: usize) -> Result<String> {
    let plane = &mut tables.plane;
    let (keys, results) = (plane.base(abi::AREA_LOOKUP_KEYS), plane.base(abi::AREA_LOOKUP_RESULTS));
    let (mut spent, mut hits, mut sum) = (Duration::ZERO, 0u64, 0u64);
    for call in queries[..count * ADDRESS].chunks_exact(CALL * ADDRESS) {
        plane.memory_mut()[keys..][..call.len()].copy_from_slice(call);
        let start = Instant::now();
        plane.lookup(CALL as u32, NOW)?;
        spent += start.elapsed();
        for value in plane.memory()[results..][..4 * CALL].chunks_exact(4) {
            let value = u32::from_le_bytes([value[0], value[1], value[2], value[3]]);
            if value != abi::NONE {
                hits += 1;
                sum += u64::from(value);
            }
        }
    }
    Ok(format!("{} {hits} {sum}", spent.as_nanos()))
}

/// Processes `count` copies of the packet of `template`, each to an address of `queries`; "NANOSECONDS PACKETS SUM",
/// where the sum is that of verdict, length and first 40 octets of all that comes out.
pub fn packets(
    tables: &mut Tables,
    bench: &str,
    template: &[u8],
    queries: &[u8],
    count: usize,
) -> Result<String> {
    tables.prepare(bench)?;
    let (mut spent, mut sum) = (Duration::ZERO, 0u64);
    for call in queries[..count * ADDRESS].chunks_exact(BATCH * ADDRESS) {
        for (index, address) in call.chunks_exact(ADDRESS).enumerate() {
            write(tables, bench, template, index, address);
        }
        let start = Instant::now();
        let outputs = tables.plane.process(BATCH as u32, NOW)?;
        spent += start.elapsed();
        sum += (0..outputs as usize).map(|position| sum_of(tables, position)).sum::<u64>();
        if bench == "hold" {
            tables.discard()?;
        }
        tables.plane.events()?;
    }
    Ok(format!("{} {} {sum}", spent.as_nanos(), count - count % BATCH))
}

/// Writes packet `index` of a batch. The template begins with the packet's length and where its destination stands.
fn write(tables: &mut Tables, bench: &str, template: &[u8], index: usize, address: &[u8]) {
    let at = usize::from(u16::from_be_bytes([template[2], template[3]]));
    let packet = &template[4..];
    let core = bench == "decapsulate" || bench == "re-tunnel";
    let frame = tables.plane.base(abi::AREA_FRAMES) + index * FRAME + HEADROOM;
    let descriptor = tables.plane.base(abi::AREA_DESCRIPTORS) + index * abi::DESCRIPTOR_SIZE;
    let memory = tables.plane.memory_mut();
    let octets = &mut memory[frame..][..packet.len()];
    octets.copy_from_slice(packet);
    octets[at..][..ADDRESS].copy_from_slice(address);
    // As in host/lab/bench/packets.ts: the last octet of the destination chooses the station and the peer.
    let last = address[ADDRESS - 1];
    octets[at - ADDRESS + STATION_AT] = last;
    if core {
        octets[OUTER_SOURCE_AT..][..ADDRESS].copy_from_slice(&neighbour(usize::from(last) % VALUES));
    }
    if bench == "hold" {
        // A source that no entry has.
        octets[10] = 0xff;
    }
    let record = &mut memory[descriptor..][..abi::DESCRIPTOR_SIZE];
    record.fill(0);
    record[abi::DESCRIPTOR_OFFSET_AT..][..2].copy_from_slice(&(HEADROOM as u16).to_le_bytes());
    record[abi::DESCRIPTOR_LENGTH_AT..][..2].copy_from_slice(&(packet.len() as u16).to_le_bytes());
    record[abi::DESCRIPTOR_PORT_AT] = if core { abi::PORT_CORE as u8 } else { 0 };
}

fn sum_of(tables: &Tables, position: usize) -> u64 {
    let memory = tables.plane.memory();
    let u16_at = |at: usize| usize::from(u16::from_le_bytes([memory[at], memory[at + 1]]));
    let output = tables.plane.base(abi::AREA_OUTPUTS) + 4 * position;
    let index =
        u32::from_le_bytes([memory[output], memory[output + 1], memory[output + 2], memory[output + 3]]);
    let descriptor = tables.plane.base(abi::AREA_DESCRIPTORS) + index as usize * abi::DESCRIPTOR_SIZE;
    let offset = u16_at(descriptor + abi::DESCRIPTOR_OFFSET_AT);
    let packet = tables.plane.base(abi::AREA_FRAMES) + index as usize * FRAME + offset;
    let header: u64 = memory[packet..][..HEADER].iter().copied().map(u64::from).sum();
    let verdict = u64::from(memory[descriptor + abi::DESCRIPTOR_VERDICT_AT]);
    header + verdict + u16_at(descriptor + abi::DESCRIPTOR_LENGTH_AT) as u64
}
