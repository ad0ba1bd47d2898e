-- Wireshark plugin for the Mobility Headers of maar. It reads what the dissector of Wireshark does not know or reads
-- wrong, gives every message its name, and leaves all else to that dissector. docs/wireshark/README.md says how to
-- install it and which fields there are. Wireshark 4.0 and later (Lua 5.2 to 5.4).

-- The tables come from the code's own registries: scripts/generate.ts writes them.
-- tables: begin
local ENTERPRISE = 32473
local LIFETIME_UNIT = 4
local QUERY_REGISTER = 128
local TYPES = {
  [0] = 'Binding Refresh Request',
  [1] = 'Home Test Init',
  [2] = 'Care-of Test Init',
  [3] = 'Home Test',
  [4] = 'Care-of Test',
  [5] = 'Binding Update',
  [6] = 'Binding Acknowledgement',
  [7] = 'Binding Error',
  [8] = 'Fast Binding Update',
  [9] = 'Fast Binding Acknowledgment',
  [10] = 'Fast Neighbor Advertisement',
  [11] = 'Experimental Mobility Header',
  [12] = 'Home Agent Switch',
  [13] = 'Heartbeat',
  [14] = 'Handover Initiate',
  [15] = 'Handover Acknowledge',
  [16] = 'Binding Revocation',
  [17] = 'Localized Routing Initiation',
  [18] = 'Localized Routing Acknowledgment',
  [19] = 'Update Notification',
  [20] = 'Update Notification Acknowledgement',
  [21] = 'Flow Binding',
  [22] = 'Subscription Query',
  [23] = 'Subscription Response',
}
local KINDS = {
  [0] = 'BRR',
  [5] = 'BU',
  [6] = 'BA',
  [7] = 'BE',
  [11] = 'EXP',
  [14] = 'HI',
  [15] = 'HAck',
  [17] = 'LRI',
  [18] = 'LRA',
  [19] = 'UPN',
  [20] = 'UPA',
}
local OPTIONS_AT = {
  BRR = 8,
  BU = 12,
  BA = 12,
  BE = 24,
  EXP = 8,
  HI = 10,
  HAck = 10,
  LRI = 12,
  LRA = 12,
  UPN = 12,
  UPA = 12,
}
local REASONS = {
  [1] = 'FORCE-REREGISTRATION',
  [2] = 'UPDATE-SESSION-PARAMETERS',
  [3] = 'VENDOR-SPECIFIC-REASON',
}
local STATUSES = {
  BA = {
    [0] = 'accepted',
    [1] = 'accepted, prefix discovery necessary',
    [128] = 'reason unspecified',
    [129] = 'administratively prohibited',
    [130] = 'insufficient resources',
    [131] = 'home registration not supported',
    [132] = 'not home subnet',
    [133] = 'not home agent for this mobile node',
    [134] = 'duplicate address detection failed',
    [135] = 'sequence number out of window',
    [136] = 'expired home nonce index',
    [137] = 'expired care-of nonce index',
    [138] = 'expired nonces',
    [139] = 'registration type change disallowed',
    [140] = 'mobile router operation not permitted',
    [141] = 'invalid prefix',
    [142] = 'not authorized for prefix',
    [143] = 'forwarding setup failed',
    [144] = 'MIPV6-ID-MISMATCH',
    [152] = 'PROXY_REG_NOT_ENABLED',
    [153] = 'NOT_LMA_FOR_THIS_MOBILE_NODE',
    [154] = 'MAG_NOT_AUTHORIZED_FOR_PROXY_REG',
    [155] = 'NOT_AUTHORIZED_FOR_HOME_NETWORK_PREFIX',
    [156] = 'TIMESTAMP_MISMATCH',
    [157] = 'TIMESTAMP_LOWER_THAN_PREV_ACCEPTED',
    [158] = 'MISSING_HOME_NETWORK_PREFIX_OPTION',
    [159] = 'BCE_PBU_PREFIX_SET_DO_NOT_MATCH',
    [160] = 'MISSING_MN_IDENTIFIER_OPTION',
    [161] = 'MISSING_HANDOFF_INDICATOR_OPTION',
    [162] = 'MISSING_ACCESS_TECH_TYPE_OPTION',
  },
  LRA = { [0] = 'success', [128] = 'localized routing not allowed', [129] = 'MN not attached' },
  UPA = {
    [0] = 'success',
    [128] = 'FAILED-TO-UPDATE-SESSION-PARAMETERS',
    [129] = 'MISSING-VENDOR-SPECIFIC-OPTION',
  },
}
local EXPERIMENTS = {
  [1] = { kind = 'PBQ', name = 'Proxy Binding Query', holds = 'flags' },
  [2] = { kind = 'PQA', name = 'Proxy Query Answer', holds = 'status' },
  [3] = { kind = 'LPJ', name = 'LM Pool Join', holds = 'flags' },
  [4] = { kind = 'LPA', name = 'LM Pool Answer', holds = 'status' },
}
local EXPERIMENT_AT = { sequence = 6, enterprise = 8, code = 12, flags = 13, lifetime = 14, options = 16 }
local AUTHENTICATION = 9
local VENDOR_SPECIFIC = 19
local OPTIONS = {
  [40] = { name = 'Context Request', layout = 'requests' },
  [51] = { name = 'MAG IPv6 Address', layout = 'length-address' },
  [65] = { name = 'Anchored Prefix', layout = 'prefix' },
  [66] = { name = 'Local Prefix', layout = 'prefix' },
  [67] = { name = 'Previous MAAR', layout = 'maar-prefix' },
  [68] = { name = 'Serving MAAR', layout = 'address' },
  [69] = { name = 'DLIF Link-local Address', layout = 'address' },
  [70] = { name = 'DLIF Link-layer Address', layout = 'link-layer' },
}
local VENDOR = {
  [1] = { name = 'registration counter', fields = { { name = 'counter', octets = 8 } } },
  [2] = {
    name = 'lifetime of the home before',
    fields = { { name = 'home_lifetime', octets = 4 } },
  },
  [3] = {
    name = 'registration counter of the correspondent before',
    fields = { { name = 'correspondent_counter', octets = 8 } },
  },
  [4] = {
    name = 'part',
    fields = { { name = 'part', octets = 2 }, { name = 'parts', octets = 2 } },
  },
  [5] = {
    name = 'role',
    fields = { { name = 'role', octets = 1, values = { [0] = 's', [1] = 'd' } } },
  },
  [16] = { name = 'registration counter', fields = { { name = 'counter', octets = 8 } } },
  [17] = { name = 'remaining lifetime', fields = { { name = 'remaining', octets = 4 } } },
  [18] = {
    name = 'registration counter handed out',
    fields = { { name = 'ticket', octets = 8 } },
  },
  [19] = { name = 'clock of the answerer', fields = { { name = 'clock', octets = 8 } } },
  [20] = {
    name = 'valid lifetimes of homes',
    fields = { { name = 'home_lifetime', octets = 4 } },
    repeated = 1,
  },
  [21] = {
    name = 'session',
    fields = {
      { name = 'correspondent', octets = 16 },
      { name = 'correspondent_maar', octets = 16 },
      { name = 'correspondent_counter', octets = 8 },
      { name = 'correspondent_homes', octets = 4 },
    },
  },
}
local MESSAGES = {
  {
    kind = 'PBU',
    name = 'Proxy Binding Update',
    type = 'BU',
    mask = 512,
    value = 512,
    options = { { subtype = 16 } },
  },
  {
    kind = 'PBA',
    name = 'Proxy Binding Acknowledgement',
    type = 'BA',
    mask = 32,
    value = 32,
    options = { { subtype = 16 } },
  },
  {
    kind = 'sDBU',
    name = 'Distributed Binding Update (s)',
    type = 'BU',
    mask = 16,
    value = 16,
    options = { { subtype = 1 }, { subtype = 5, value = 0 } },
  },
  {
    kind = 'sDBU',
    name = 'Distributed Binding Update (s)',
    type = 'BU',
    mask = 768,
    value = 512,
    options = { { subtype = 1 } },
  },
  {
    kind = 'dDBU',
    name = 'Distributed Binding Update (d)',
    type = 'BU',
    mask = 16,
    value = 16,
    options = { { subtype = 1 }, { subtype = 5, value = 1 } },
  },
  {
    kind = 'dDBU',
    name = 'Distributed Binding Update (d)',
    type = 'BU',
    mask = 768,
    value = 768,
    options = { { subtype = 1 } },
  },
  {
    kind = 'sDBA',
    name = 'Distributed Binding Acknowledgement (s)',
    type = 'BA',
    mask = 2,
    value = 2,
    options = { { subtype = 1 }, { subtype = 5, value = 0 } },
  },
  {
    kind = 'sDBA',
    name = 'Distributed Binding Acknowledgement (s)',
    type = 'BA',
    mask = 48,
    value = 32,
    options = { { subtype = 1 } },
  },
  {
    kind = 'dDBA',
    name = 'Distributed Binding Acknowledgement (d)',
    type = 'BA',
    mask = 2,
    value = 2,
    options = { { subtype = 1 }, { subtype = 5, value = 1 } },
  },
  {
    kind = 'dDBA',
    name = 'Distributed Binding Acknowledgement (d)',
    type = 'BA',
    mask = 48,
    value = 48,
    options = { { subtype = 1 } },
  },
}
-- tables: end

local IPPROTO_MOBILITY = 135
local PAD1 = 0
local MESSAGE_DATA = 6
-- Offset and length of the flags of Binding Update and Acknowledgement.
local FLAGS_AT = { BU = { 8, 2 }, BA = { 7, 1 } }

local maar = Proto('maar', 'Mobility Anchor and Access Router')
-- Length of an IPv6 address.
local ADDRESS = 16
local INTEGER = { [1] = ProtoField.uint8, [2] = ProtoField.uint16, [4] = ProtoField.uint32, [8] = ProtoField.uint64 }

local field = {
  message = ProtoField.string('maar.message', 'Message'),
  type = ProtoField.uint8('maar.type', 'Mobility Header type', base.DEC, TYPES),
  checksum = ProtoField.uint16('maar.checksum', 'Checksum', base.HEX),
  sequence = ProtoField.uint16('maar.sequence', 'Sequence number'),
  lifetime = ProtoField.uint32('maar.lifetime', 'Lifetime in seconds'),
  unsolicited = ProtoField.bool('maar.unsolicited', 'Unsolicited (U)', 8, nil, 0x80),
  reason = ProtoField.uint16('maar.reason', 'Notification reason', base.DEC, REASONS),
  acknowledge = ProtoField.bool('maar.acknowledge', 'Acknowledgement requested (A)', 16, nil, 0x8000),
  retransmission = ProtoField.bool('maar.retransmission', 'Sent again (D)', 16, nil, 0x4000),
  enterprise = ProtoField.uint32('maar.enterprise', 'Enterprise number'),
  code = ProtoField.uint8('maar.code', 'Code'),
  register = ProtoField.bool('maar.register', 'Hand out a counter (R)', 8, nil, QUERY_REGISTER),
  option = ProtoField.uint8('maar.option', 'Option type'),
  length = ProtoField.uint8('maar.option.length', 'Option length'),
  subtype = ProtoField.uint8('maar.subtype', 'Subtype'),
  data = ProtoField.bytes('maar.data', 'Data'),
  spi = ProtoField.uint32('maar.spi', 'SPI'),
  authenticator = ProtoField.bytes('maar.authenticator', 'Authenticator'),
  address = ProtoField.ipv6('maar.address', 'Address'),
  previous_maar = ProtoField.ipv6('maar.previous_maar', 'Previous MAAR'),
  prefix = ProtoField.ipv6('maar.prefix', 'Prefix'),
  prefix_length = ProtoField.uint8('maar.prefix.length', 'Prefix length'),
  link_layer = ProtoField.bytes('maar.link_layer', 'Link-layer address'),
  request = ProtoField.uint8('maar.request', 'Option asked for'),
}
for _, row in pairs(VENDOR) do
  for _, part in ipairs(row.fields) do
    local label = part.name:gsub('_', ' ')
    local name = 'maar.' .. part.name
    field[part.name] = field[part.name]
      or part.octets == ADDRESS and ProtoField.ipv6(name, label)
      or INTEGER[part.octets](name, label, base.DEC, part.values)
  end
end
-- One filter name over the values of three registries.
local status = {}
for kind, rows in pairs(STATUSES) do status[kind] = ProtoField.uint8('maar.status', 'Status', base.DEC, rows) end

local fields = {}
for _, each in pairs(field) do table.insert(fields, each) end
for _, each in pairs(status) do table.insert(fields, each) end
maar.fields = fields

local unknown_option =
  ProtoExpert.new('maar.option.unknown', 'Unknown option', expert.group.UNDECODED, expert.severity.NOTE)
local malformed = ProtoExpert.new('maar.malformed', 'Malformed', expert.group.MALFORMED, expert.severity.ERROR)
maar.experts = { unknown_option, malformed }

local mobility_table = DissectorTable.get('ip.proto')
local option_table = DissectorTable.get('mip6.option')
local stock = mobility_table:get_dissector(IPPROTO_MOBILITY)
local stock_vendor = option_table:get_dissector(VENDOR_SPECIFIC)

-- Has a dissector of Wireshark read octets. It gives up on malformed ones by an error, which would end this script's work on
-- the packet and hide what had been read.
local function call(dissector, tvb, pinfo, tree)
  local ok, read = pcall(dissector.call, dissector, tvb, pinfo, tree)
  if ok then return read end
  tree:add_proto_expert_info(malformed)
  return tvb:len()
end

-- Calls each(type, offset of the option, octets of the option) for the options from `at` to the end; returns whether they
-- end where the header does.
local function walk_options(tvb, at, each)
  while at < tvb:len() do
    local kind = tvb(at, 1):uint()
    if kind == PAD1 then
      at = at + 1
    else
      if at + 2 > tvb:len() or at + 2 + tvb(at + 1, 1):uint() > tvb:len() then return false end
      local octets = 2 + tvb(at + 1, 1):uint()
      each(kind, at, octets)
      at = at + octets
    end
  end
  return true
end

local function is_ours(tvb, at, octets)
  return octets >= 7 and tvb(at + 2, 4):uint() == ENTERPRISE
end

-- First field of each Vendor Specific option of ours, by subtype; true where it has no number.
local function vendor_options(tvb, at)
  local found = {}
  walk_options(tvb, at, function(kind, from, octets)
    if kind ~= VENDOR_SPECIFIC or not is_ours(tvb, from, octets) then return end
    local row = VENDOR[tvb(from + 6, 1):uint()]
    local first = row and row.fields[1].octets
    local fits = first and first <= 4 and octets >= 7 + first
    found[tvb(from + 6, 1):uint()] = fits and tvb(from + 7, first):uint() or true
  end)
  return found
end

-- The bits of `value` that are in `mask`. Lua 5.2 and 5.4 have no operator or library for it in common.
local function masked(value, mask)
  local sum, weight = 0, 1
  while weight <= mask do
    if math.floor(mask / weight) % 2 == 1 and math.floor(value / weight) % 2 == 1 then sum = sum + weight end
    weight = weight * 2
  end
  return sum
end

-- The row of MESSAGES that a Binding Update or Acknowledgement fits, if any.
local function signature_of(tvb, kind)
  local flags = tvb(FLAGS_AT[kind][1], FLAGS_AT[kind][2]):uint()
  local found = vendor_options(tvb, OPTIONS_AT[kind])
  for _, row in ipairs(MESSAGES) do
    local fits = row.type == kind and masked(flags, row.mask) == row.value
    for _, option in ipairs(row.options) do
      local value = found[option.subtype]
      fits = fits and value ~= nil and (option.value == nil or option.value == value)
    end
    if fits then return row end
  end
end

local function add_options(tvb, at, pinfo, tree)
  local options = tree:add(maar, tvb(at), 'Mobility Options')
  local whole = walk_options(tvb, at, function(kind, from, octets)
    local option = tvb(from, octets)
    local dissector = option_table:get_dissector(kind)
    if dissector then
      call(dissector, option:tvb(), pinfo, options)
    else
      local item = options:add(maar, option, 'Unknown option ' .. kind)
      item:add_proto_expert_info(unknown_option)
    end
  end)
  if not whole then options:add_proto_expert_info(malformed) end
end

-- The bodies of the kinds that are read here: from the checksum to the options.
local BODY = {
  EXP = function(tvb, tree)
    local holds = EXPERIMENTS[tvb(EXPERIMENT_AT.code, 1):uint()].holds
    local octet = tvb(EXPERIMENT_AT.flags, 1)
    local lifetime = tvb(EXPERIMENT_AT.lifetime, 2)
    tree:add(field.sequence, tvb(EXPERIMENT_AT.sequence, 2))
    tree:add(field.enterprise, tvb(EXPERIMENT_AT.enterprise, 4))
    tree:add(field.code, tvb(EXPERIMENT_AT.code, 1))
    tree:add(holds == 'status' and status.BA or field.register, octet)
    tree:add(field.lifetime, lifetime, lifetime:uint() * LIFETIME_UNIT)
  end,
  LRI = function(tvb, tree)
    tree:add(field.sequence, tvb(6, 2))
    tree:add(field.lifetime, tvb(10, 2))
  end,
  LRA = function(tvb, tree)
    tree:add(field.sequence, tvb(6, 2))
    tree:add(field.unsolicited, tvb(8, 1))
    tree:add(status.LRA, tvb(9, 1))
    tree:add(field.lifetime, tvb(10, 2))
  end,
  UPN = function(tvb, tree)
    tree:add(field.sequence, tvb(6, 2))
    tree:add(field.reason, tvb(8, 2))
    tree:add(field.acknowledge, tvb(10, 2))
    tree:add(field.retransmission, tvb(10, 2))
  end,
  UPA = function(tvb, tree)
    tree:add(field.sequence, tvb(6, 2))
    tree:add(status.UPA, tvb(8, 1))
  end,
}

-- What is to be read here: name of the message and where its options begin; nil for what the stock dissector reads.
local function own(tvb, kind)
  if kind ~= 'EXP' then
    return BODY[kind] and { kind = kind, name = TYPES[tvb(2, 1):uint()], options_at = OPTIONS_AT[kind] }
  end
  if tvb:len() < EXPERIMENT_AT.options or tvb(EXPERIMENT_AT.enterprise, 4):uint() ~= ENTERPRISE then return nil end
  local row = EXPERIMENTS[tvb(EXPERIMENT_AT.code, 1):uint()]
  return row and { kind = row.kind, name = row.name, options_at = EXPERIMENT_AT.options }
end

local function read_here(tvb, pinfo, tree, kind, message)
  local header = tree:add(maar, tvb())
  local sequence = tvb(MESSAGE_DATA, 2):uint()
  pinfo.cols.protocol = 'MAAR'
  pinfo.cols.info = ('%s %s, sequence %d'):format(message.kind, message.name, sequence)
  header:append_text(', ' .. message.name)
  header:add(field.message, message.kind):set_generated()
  header:add(field.type, tvb(2, 1))
  header:add(field.checksum, tvb(4, 2))
  BODY[kind](tvb, header)
  add_options(tvb, message.options_at, pinfo, header)
  return tvb:len()
end

function maar.dissector(tvb, pinfo, tree)
  -- What is cut off, or states a length that is not its own, is for the stock dissector to complain about.
  local whole = tvb:len() >= 8 and tvb:captured_len() == tvb:len() and (tvb(1, 1):uint() + 1) * 8 == tvb:len()
  local kind = whole and KINDS[tvb(2, 1):uint()]
  local message = kind and own(tvb, kind)
  if message and tvb:len() >= message.options_at then return read_here(tvb, pinfo, tree, kind, message) end
  local read = call(stock, tvb, pinfo, tree)
  if not kind or tvb:len() < OPTIONS_AT[kind] then return read end
  local row = FLAGS_AT[kind] and signature_of(tvb, kind)
  local named = tree:add(maar, tvb())
  named:add(field.message, row and row.kind or kind):set_generated()
  if row then pinfo.cols.info = row.kind .. ' ' .. row.name end
  return read
end
mobility_table:set(IPPROTO_MOBILITY, maar)

-- A dissector of one mobility option: `body(tvb, pinfo, tree)` reads what is behind type and length, and returns whether it fits.
local function read_option(kind, id, name, body)
  local option = Proto('maar_option_' .. id, name)
  function option.dissector(tvb, pinfo, tree)
    local item = tree:add(option, tvb())
    item:add(field.option, tvb(0, 1))
    item:add(field.length, tvb(1, 1))
    if not body(tvb, pinfo, item) then item:add_proto_expert_info(malformed) end
    return tvb:len()
  end
  option_table:set(kind, option)
end

local LAYOUT = {
  address = function(tvb, _, item)
    if tvb:len() ~= 18 then return false end
    item:add(field.address, tvb(2, 16))
    return true
  end,
  ['length-address'] = function(tvb, _, item)
    if tvb:len() ~= 20 then return false end
    item:add(field.address, tvb(4, 16))
    return true
  end,
  requests = function(tvb, _, item)
    local at = 4
    while at + 2 <= tvb:len() do
      local octets = tvb(at + 1, 1):uint()
      if at + 2 + octets > tvb:len() then return false end
      item:add(field.request, tvb(at, 1))
      if octets > 0 then item:add(field.data, tvb(at + 2, octets)) end
      at = at + 2 + octets
    end
    return at == tvb:len()
  end,
  prefix = function(tvb, _, item)
    if tvb:len() ~= 20 then return false end
    item:add(field.prefix_length, tvb(3, 1))
    item:add(field.prefix, tvb(4, 16))
    return true
  end,
  ['maar-prefix'] = function(tvb, _, item)
    if tvb:len() ~= 36 then return false end
    item:add(field.prefix_length, tvb(3, 1))
    item:add(field.previous_maar, tvb(4, 16))
    item:add(field.prefix, tvb(20, 16))
    return true
  end,
  ['link-layer'] = function(tvb, _, item)
    if tvb:len() < 5 then return false end
    item:add(field.link_layer, tvb(4))
    return true
  end,
}
for kind, row in pairs(OPTIONS) do read_option(kind, kind, row.name, LAYOUT[row.layout]) end

-- The stock dissector leaves out the last two octets of these two (4.0).
read_option(AUTHENTICATION, 'authentication', 'Mobility Message Authentication', function(tvb, _, item)
  if tvb:len() < 8 then return false end
  item:add(field.subtype, tvb(2, 1))
  item:add(field.spi, tvb(3, 4))
  item:add(field.authenticator, tvb(7))
  return true
end)

read_option(VENDOR_SPECIFIC, 'vendor', 'Vendor Specific', function(tvb, pinfo, item)
  if not is_ours(tvb, 0, tvb:len()) then
    call(stock_vendor, tvb, pinfo, item)
    return true
  end
  item:add(field.enterprise, tvb(2, 4))
  item:add(field.subtype, tvb(6, 1))
  local row = VENDOR[tvb(6, 1):uint()]
  if not row then
    if tvb:len() > 7 then item:add(field.data, tvb(7)) end
    item:add_proto_expert_info(unknown_option)
    return true
  end
  item:append_text(': ' .. row.name)
  local at = 7
  repeat
    for _, part in ipairs(row.fields) do
      if at + part.octets > tvb:len() then return false end
      item:add(field[part.name], tvb(at, part.octets))
      at = at + part.octets
    end
  until not row.repeated or at >= tvb:len()
  return at == tvb:len()
end)
