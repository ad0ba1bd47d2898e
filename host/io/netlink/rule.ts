import { AF } from '../linux.ts';
import { FRA, FR_ACT, NLM_F, PROTOCOL_MAAR, RTM, RT_TABLE } from './constants.ts';
import { MessageWriter, attributeString, attributeU32, parseAttributes } from './message.ts';
import type { NetlinkMessage } from './message.ts';

const RULE_HEADER = 12;

/** A rule of IPv6 policy routing: packets that came in on `iif` or carry the mark look into `table`. */
export interface Rule {
  readonly priority: number;
  readonly table: number;
  readonly iif?: string;
  readonly mark?: number;
}

function ruleMessage(type: number, flags: number, rule: Rule): MessageWriter {
  const fixed = new Uint8Array(RULE_HEADER);
  fixed[0] = AF.inet6;
  fixed[4] = rule.table < 256 ? rule.table : RT_TABLE.unspec;
  fixed[7] = FR_ACT.toTable;
  const message = new MessageWriter(type, flags, fixed)
    .u32(FRA.priority, rule.priority)
    .u32(FRA.table, rule.table)
    .u8(FRA.protocol, PROTOCOL_MAAR);
  if (rule.iif !== undefined) message.string(FRA.iifname, rule.iif);
  if (rule.mark !== undefined) message.u32(FRA.fwmark, rule.mark).u32(FRA.fwmask, rule.mark);
  return message;
}

export function addRule(rule: Rule): MessageWriter {
  return ruleMessage(RTM.newrule, NLM_F.request | NLM_F.ack | NLM_F.create | NLM_F.excl, rule);
}

export function deleteRule(rule: Rule): MessageWriter {
  return ruleMessage(RTM.delrule, NLM_F.request | NLM_F.ack, rule);
}

export function listRules(): MessageWriter {
  const fixed = new Uint8Array(RULE_HEADER);
  fixed[0] = AF.inet6;
  return new MessageWriter(RTM.getrule, NLM_F.request | NLM_F.dump, fixed);
}

/** Our own rules out of a dump of `listRules`. */
export function ownRules(answers: readonly NetlinkMessage[]): Rule[] {
  const rules: Rule[] = [];
  for (const { type, body } of answers) {
    if (type !== RTM.newrule || body.length < RULE_HEADER) continue;
    const attributes = parseAttributes(body, RULE_HEADER);
    if (attributes.get(FRA.protocol)?.[0] !== PROTOCOL_MAAR) continue;
    const iif = attributeString(attributes, FRA.iifname);
    const mark = attributeU32(attributes, FRA.fwmark);
    rules.push({
      priority: attributeU32(attributes, FRA.priority) ?? 0,
      table: attributeU32(attributes, FRA.table) ?? body[4]!,
      ...(iif === undefined ? {} : { iif }),
      ...(mark === undefined ? {} : { mark }),
    });
  }
  return rules;
}
