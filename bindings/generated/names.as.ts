// Written by scripts/generate.ts from bindings/abi/v1.json; edit that file.

export function statusName(code: u32): string {
  switch (code) {
    case 0:
      return 'ok';
    case 1:
      return 'full';
    case 2:
      return 'absent';
    case 3:
      return 'invalid';
    case 4:
      return 'memory';
    case 5:
      return 'state';
  }
  return 'unknown';
}

export function verdictName(code: u32): string {
  switch (code) {
    case 0:
      return 'drop';
    case 1:
      return 'pass';
    case 2:
      return 'deliver';
    case 3:
      return 'core';
    case 4:
      return 'hold';
  }
  return 'unknown';
}

export function reasonName(code: u32): string {
  switch (code) {
    case 0:
      return 'none';
    case 1:
      return 'descriptor';
    case 2:
      return 'oversized';
    case 3:
      return 'truncated';
    case 4:
      return 'version';
    case 5:
      return 'jumbogram';
    case 6:
      return 'address';
    case 7:
      return 'extension';
    case 8:
      return 'access-tunnel';
    case 9:
      return 'access-mobility';
    case 10:
      return 'source-unknown';
    case 11:
      return 'source-mac';
    case 12:
      return 'peer-unknown';
    case 13:
      return 'ecn';
    case 14:
      return 'bounce';
    case 15:
      return 'loop';
    case 16:
      return 'destination-unknown';
    case 17:
      return 'hop-limit';
    case 18:
      return 'too-big';
    case 19:
      return 'hold-overflow';
    case 20:
      return 'hold-expired';
    case 21:
      return 'encapsulation-limit';
    case 22:
      return 'reassembly';
  }
  return 'unknown';
}

export function counterName(code: u32): string {
  switch (code) {
    case 0:
      return 'rx-access';
    case 1:
      return 'rx-core';
    case 2:
      return 'delivered';
    case 3:
      return 'tunnelled';
    case 4:
      return 'reverse-tunnelled';
    case 5:
      return 'retunnelled';
    case 6:
      return 'decapsulated';
    case 7:
      return 'passed';
    case 8:
      return 'held';
    case 9:
      return 'released';
    case 10:
      return 'hold-discarded';
    case 11:
      return 'fragments';
    case 12:
      return 'too-big-sent';
    case 13:
      return 'icmp-limited';
    case 14:
      return 'events-lost';
    case 15:
      return 'time-exceeded-sent';
    case 16:
      return 'parameter-problem-sent';
    case 17:
      return 'errors-relayed';
    case 18:
      return 'mss-clamped';
    case 19:
      return 'reassembled';
    case 20:
      return 'rewritten';
    case 21:
      return 'restored';
    case 33:
      return 'drop-descriptor';
    case 34:
      return 'drop-oversized';
    case 35:
      return 'drop-truncated';
    case 36:
      return 'drop-version';
    case 37:
      return 'drop-jumbogram';
    case 38:
      return 'drop-address';
    case 39:
      return 'drop-extension';
    case 40:
      return 'drop-access-tunnel';
    case 41:
      return 'drop-access-mobility';
    case 42:
      return 'drop-source-unknown';
    case 43:
      return 'drop-source-mac';
    case 44:
      return 'drop-peer-unknown';
    case 45:
      return 'drop-ecn';
    case 46:
      return 'drop-bounce';
    case 47:
      return 'drop-loop';
    case 48:
      return 'drop-destination-unknown';
    case 49:
      return 'drop-hop-limit';
    case 50:
      return 'drop-too-big';
    case 51:
      return 'drop-hold-overflow';
    case 52:
      return 'drop-hold-expired';
    case 53:
      return 'drop-encapsulation-limit';
    case 54:
      return 'drop-reassembly';
  }
  return 'unknown';
}
