//! Frames of stations on their way to control.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::access::filter::{self, SNAP_CONTROL};
use crate::access::{Mac, Name};
use crate::cpdp;

/// Control is shown at most one data frame of a station in this time.
const APART: Duration = Duration::from_millis(10);
/// Stations whose data frames are shown in that time, however many addresses somebody invents.
const STATIONS: usize = 1024;
const SOURCE: usize = 6;
/// One of a group: no station has such an address.
const GROUP_BIT: u8 = 1;

/// Which data frames control is shown.
#[derive(Default)]
pub struct Pace {
    shown: HashMap<(u8, Mac), Instant>,
}

impl Pace {
    /// Whether a frame that came on `link` at `now` is one for control.
    pub fn admits(&mut self, link: u8, frame: &[u8], now: Instant) -> bool {
        let Some(mac) = frame.get(SOURCE..).and_then(<[u8]>::first_chunk::<6>) else { return false };
        if mac[0] & GROUP_BIT != 0 {
            return false;
        }
        if filter::is_signalling(frame) {
            return true;
        }
        let recent = |before: &Instant| now.duration_since(*before) < APART;
        if self.shown.get(&(link, *mac)).is_some_and(recent) {
            return false;
        }
        if self.shown.len() >= STATIONS {
            self.shown.retain(|_, before| recent(before));
        }
        if self.shown.len() >= STATIONS {
            return false;
        }
        self.shown.insert((link, *mac), now);
        true
    }
}

/// Room for the record `frame` and a frame.
pub type Body = [u8; cpdp::FRAME_SIZE + SNAP_CONTROL];

pub fn write_head(body: &mut Body, link: u8, port: Name) {
    body[cpdp::FRAME_LINK_AT] = link;
    body[cpdp::FRAME_PORT_AT..][..port.len()].copy_from_slice(&port);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(octet: u8) -> Vec<u8> {
        let mut frame = vec![0; 60];
        frame[SOURCE + 4] = octet;
        frame[20] = 17;
        frame
    }

    #[test]
    fn of_data_one_frame_of_a_station_in_ten_milliseconds_is_shown() {
        let (mut pace, start) = (Pace::default(), Instant::now());
        let shown: Vec<u64> = (0..40)
            .filter(|&millis| pace.admits(1, &data(1), start + Duration::from_millis(millis)))
            .collect();
        assert_eq!(shown, [0, 10, 20, 30]);
        assert!(pace.admits(1, &data(2), start), "another station");
        assert!(pace.admits(2, &data(1), start), "another link");
    }

    #[test]
    fn neighbour_discovery_is_shown_each_time() {
        let (mut pace, now) = (Pace::default(), Instant::now());
        let mut solicitation = data(1);
        (solicitation[20], solicitation[54]) = (58, 135);
        assert!((0..100).all(|_| pace.admits(1, &solicitation, now)));
    }

    #[test]
    fn invented_addresses_take_bounded_room_and_only_for_a_moment() {
        let (mut pace, start) = (Pace::default(), Instant::now());
        let invented = |n: u32| {
            let mut frame = data(0);
            frame[SOURCE + 1..SOURCE + 5].copy_from_slice(&n.to_be_bytes());
            frame
        };
        let shown = (0..100_000).filter(|&n| pace.admits(1, &invented(n), start)).count();
        assert_eq!((shown, pace.shown.len()), (STATIONS, STATIONS));
        assert!(pace.admits(1, &data(1), start + APART));
    }

    #[test]
    fn a_frame_without_a_station_is_not_shown() {
        let (mut pace, now) = (Pace::default(), Instant::now());
        assert!(!pace.admits(1, &[0; 11], now));
        let mut group = data(1);
        group[SOURCE] = 1;
        assert!(!pace.admits(1, &group, now));
    }
}
