//! Sets and counters of a table of nftables. Integers within attributes are in network order.

use super::message::{self, ACK, DUMP, Message, Request};

const NEW: u16 = libc::NLM_F_CREATE as u16;
const NFTA_LIST_TABLE: u16 = 1;
const NFTA_LIST_SET: u16 = 2;
const NFTA_LIST_ELEMENTS: u16 = 3;
const NFTA_LIST_ELEM: u16 = 1;
const NFTA_ELEM_KEY: u16 = 1;
const NFTA_ELEM_EXPR: u16 = 7;
const NFTA_ELEM_KEY_END: u16 = 10;
const NFTA_DATA_VALUE: u16 = 1;
const NFTA_EXPR_DATA: u16 = 2;
const NFTA_COUNTER_PACKETS: u16 = 2;
const NFTA_TABLE_NAME: u16 = 1;
const NFTA_OBJ_TABLE: u16 = 1;
const NFTA_OBJ_NAME: u16 = 2;
const NFTA_OBJ_TYPE: u16 = 3;
const NFTA_OBJ_DATA: u16 = 4;
const NFT_OBJECT_COUNTER: u32 = 1;
/// struct nfgenmsg: family, version, resource (u16, network order).
const NFGENMSG: [u8; 4] = [libc::NFPROTO_INET as u8, 0, 0, 0];

fn kind(message: libc::c_int) -> u16 {
    (libc::NFNL_SUBSYS_NFTABLES << 8 | message) as u16
}

fn limit(message: libc::c_int) -> Request {
    Request::new(message as u16, 0, &[0, 0, 0, libc::NFNL_SUBSYS_NFTABLES as u8])
}

/// Requests as one transaction: all or none take effect.
pub fn transaction(requests: impl IntoIterator<Item = Request>) -> Vec<Request> {
    let mut all = vec![limit(libc::NFNL_MSG_BATCH_BEGIN)];
    all.extend(requests);
    all.push(limit(libc::NFNL_MSG_BATCH_END));
    all
}

/// Adds the range of keys from `first` to `last` to an interval set, or deletes it.
pub fn element(table: &str, set: &str, add: bool, first: &[u8], last: &[u8]) -> Request {
    let (message, flags) =
        if add { (libc::NFT_MSG_NEWSETELEM, ACK | NEW) } else { (libc::NFT_MSG_DELSETELEM, ACK) };
    Request::new(kind(message), flags, &NFGENMSG)
        .text(NFTA_LIST_TABLE, table)
        .text(NFTA_LIST_SET, set)
        .nested(NFTA_LIST_ELEMENTS, |list| {
            list.nested(NFTA_LIST_ELEM, |element| {
                element
                    .nested(NFTA_ELEM_KEY, |key| key.attribute(NFTA_DATA_VALUE, first))
                    .nested(NFTA_ELEM_KEY_END, |key| key.attribute(NFTA_DATA_VALUE, last))
            })
        })
}

pub fn list_elements(table: &str, set: &str) -> Request {
    Request::new(kind(libc::NFT_MSG_GETSETELEM), DUMP, &NFGENMSG)
        .text(NFTA_LIST_TABLE, table)
        .text(NFTA_LIST_SET, set)
}

/// First key and packets of each element in one answer to `list_elements`; those that do not count are left out.
pub fn counted<'a>(message: &Message<'a>) -> impl Iterator<Item = (&'a [u8], u64)> {
    let list = message
        .split(NFGENMSG.len())
        .and_then(|(_, rest)| message::attribute(rest, NFTA_LIST_ELEMENTS))
        .unwrap_or_default();
    message::attributes(list).filter_map(|(_, element)| {
        let key = message::attribute(message::attribute(element, NFTA_ELEM_KEY)?, NFTA_DATA_VALUE)?;
        let counter = message::attribute(message::attribute(element, NFTA_ELEM_EXPR)?, NFTA_EXPR_DATA)?;
        Some((key, packets(counter)?))
    })
}

pub fn delete_table(table: &str) -> Request {
    Request::new(kind(libc::NFT_MSG_DELTABLE), ACK, &NFGENMSG).text(NFTA_TABLE_NAME, table)
}

/// Asks for all tables.
pub fn list_tables() -> Request {
    Request::new(kind(libc::NFT_MSG_GETTABLE), DUMP, &NFGENMSG)
}

/// Name of the table in one answer to `list_tables`.
pub fn table(message: &Message) -> Option<String> {
    let (_, rest) = message.split(NFGENMSG.len())?;
    message::attribute(rest, NFTA_TABLE_NAME).map(message::text_of)
}

/// Whether an event tells that a table has been deleted.
pub fn deletes_table(event: &Message) -> bool {
    event.kind == kind(libc::NFT_MSG_DELTABLE)
}

/// Asks for the named counters of a table.
pub fn list_counters(table: &str) -> Request {
    Request::new(kind(libc::NFT_MSG_GETOBJ), DUMP, &NFGENMSG)
        .text(NFTA_OBJ_TABLE, table)
        .attribute(NFTA_OBJ_TYPE, &NFT_OBJECT_COUNTER.to_be_bytes())
}

/// Name and packets of the counter in one answer to `list_counters`.
pub fn counter(message: &Message) -> Option<(String, u64)> {
    let (_, rest) = message.split(NFGENMSG.len())?;
    let name = message::attribute(rest, NFTA_OBJ_NAME).map(message::text_of)?;
    Some((name, packets(message::attribute(rest, NFTA_OBJ_DATA)?)?))
}

fn packets(counter: &[u8]) -> Option<u64> {
    message::attribute(counter, NFTA_COUNTER_PACKETS)?.try_into().ok().map(u64::from_be_bytes)
}
