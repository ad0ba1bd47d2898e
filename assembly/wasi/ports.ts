/** Rules of the entries file that tell where packets came from. */
import { PORT_CORE } from '../../bindings/generated/abi.as';
import { take } from './arena';
import { LAST_LINK } from './entries';
import { expectList, expectObject, prefix, required, says, whole } from './fields';
import { Json, STRING, fault, member } from './json';
import { contains } from './text';

const ANY_SOURCE: i32 = -1;
const ADDRESS: usize = 16;
const SOURCE_AT: usize = 8;
const HEADER: usize = 40;

/** No rule takes the packet. */
export const NO_PORT: i32 = -1;

@unmanaged
class Rule {
  /** Name of the capture interface; null for any. */
  name: Json | null;
  prefix: usize;
  /** Length of `prefix`, or `ANY_SOURCE`. */
  length: i32;
  port: u32;
  next: Rule | null;
}

let first: Rule | null = null;

/** Reads the list `ports`. */
export function readPorts(node: Json): void {
  expectList(node);
  if (node.first === null) fault(node, 'must have one rule at least, such as {"port": "core"}');
  let last: Rule | null = null;
  for (let child = node.first; child !== null; child = child!.next) {
    const rule = readRule(child);
    if (last === null) first = rule;
    else last.next = rule;
    last = rule;
  }
}

function readRule(node: Json): Rule {
  expectObject(node, 'interface source port');
  const rule = changetype<Rule>(take(offsetof<Rule>()));
  rule.next = null;
  rule.name = member(node, 'interface');
  const name = rule.name;
  if (name !== null && name.kind != STRING) fault(name, 'must be the name of a capture interface');
  rule.length = ANY_SOURCE;
  if (member(node, 'source') !== null) {
    rule.prefix = take(ADDRESS);
    rule.length = prefix(node, 'source', rule.prefix) as i32;
  }
  rule.port = says(node, 'port', 'core') ? PORT_CORE : whole(required(node, 'port'), 0, LAST_LINK);
  return rule;
}

/** Port of a packet by the first rule all of whose conditions hold, or `NO_PORT`. */
export function portOf(packet: usize, size: usize, name: usize, nameSize: usize): i32 {
  for (let rule = first; rule !== null; rule = rule!.next) {
    if (isNamed(rule, name, nameSize) && comesFrom(rule, packet, size)) return rule.port as i32;
  }
  return NO_PORT;
}

function isNamed(rule: Rule, name: usize, size: usize): bool {
  const wanted = rule.name;
  if (wanted === null) return true;
  // An interface without a name stands at 0, and is not one whose name is empty.
  return name != 0 && wanted.size == size && memory.compare(wanted.at, name, size) == 0;
}

function comesFrom(rule: Rule, packet: usize, size: usize): bool {
  if (rule.length == ANY_SOURCE) return true;
  return size >= HEADER && contains(rule.prefix, rule.length as u32, packet + SOURCE_AT);
}
