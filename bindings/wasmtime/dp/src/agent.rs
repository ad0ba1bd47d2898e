//! The loop: sleeps in poll(2) on everything that brings packets or messages.

use std::error::Error;
use std::ops::Range;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::time::Duration;
use std::{io, thread};

use maar_module::{Capacities, Runtime, abi};

use crate::access::Links;
use crate::audience::Audience;
use crate::control::Control;
use crate::kernel::Kernel;
use crate::options::Options;
use crate::path::{Access, Counts, From, Path};
use crate::plane::Plane;
use crate::router::{Memory, Router};
use crate::sys::entry;
use crate::traffic::Traffic;
use crate::{log, sys};

/// A call of the module may last two to three of these; a batch takes well under a millisecond.
const TICK: Duration = Duration::from_millis(50);
const TICKS: u64 = 3;
/// ICMPv6 errors that concern what the data plane has sent (RFC 4443 sections 3.1 to 3.4).
const ERROR_TYPES: [u8; 4] = [1, 2, 3, 4];

/// Runs until a signal ends it, and puts the kernel back then; fails where something is missing at the start.
pub fn run(options: Options) -> Result<(), Box<dyn Error>> {
    if options.syslog {
        log::use_syslog();
    }
    let signals = sys::signals()?;
    // The devices first: their names are the lock against a second agent, whose kernel state and socket must not be taken
    // away.
    let path = open_path(&options)?;
    let signalling = open_raw(&options, libc::IPPROTO_MH)?;
    let icmp = sys::open_icmp(options.locator, &[])?;
    let kernel = Kernel::prepare(&options)?;
    let interfaces: Vec<u32> = path.access.iter().map(|access| access.interface).collect();
    let links = Links::open(&options, &interfaces).map_err(|error| sys::named("access links", error))?;
    let traffic = Traffic::open(&options).map_err(|error| sys::named("connections", error))?;
    let control = Control::listen(&options.control)?;
    #[cfg(feature = "pulley")]
    let runtime = Runtime::limited_pulley()?;
    #[cfg(not(feature = "pulley"))]
    let runtime = Runtime::limited()?;
    // SAFETY: the operator's word, by the command line.
    let module = unsafe { runtime.load(&options.module) }?;
    let plane = Plane::new(runtime.clone(), module, module_options(&options))?;
    if let Some(user) = &options.user {
        sys::become_user(user)?;
    }
    thread::Builder::new().stack_size(16_384).spawn(move || {
        loop {
            thread::sleep(TICK);
            runtime.tick();
        }
    })?;
    log::line(log::NOTICE, &format!("ready at {}", options.locator));
    let memory = Memory::new();
    serve(
        Router { plane, path, signalling, icmp, kernel, links, traffic, settings: options, memory },
        &signals,
        control,
    )
}

fn open_path(options: &Options) -> io::Result<Path> {
    let tun = |name: &str| sys::open_tun(name).map_err(|error| sys::named(name, error));
    let core = tun(&options.core_tun)?;
    let mut access = Vec::new();
    for entry in &options.access {
        let interface = sys::interface_index(&entry.interface)?;
        access.push(Access { tun: tun(&options.access_tun(entry.link))?, link: entry.link, interface });
    }
    let tunnel = open_raw(options, libc::IPPROTO_IPV6)?;
    let errors = sys::open_icmp(options.locator, &ERROR_TYPES)?;
    Ok(Path { core, access, tunnel, errors, locator: options.locator, counts: Counts::default() })
}

fn open_raw(options: &Options, protocol: libc::c_int) -> io::Result<OwnedFd> {
    sys::open_raw(options.locator, protocol)
        .map_err(|error| sys::named(&format!("raw socket for {protocol} at {}", options.locator), error))
}

fn module_options(options: &Options) -> maar_module::Options {
    let capacities = options.capacities();
    maar_module::Options {
        capacities,
        seed: sys::random(),
        locator: options.locator.octets(),
        core_mtu: options.core_mtu,
        // The kernel has decremented what it routes to a TUN device.
        flags: abi::INIT_FLAG_HOP_LIMIT_DONE | if options.clamp_mss { abi::INIT_FLAG_CLAMP_MSS } else { 0 },
        memory_max: memory_max(&capacities),
        ticks: TICKS,
    }
}

/// More than a right module takes with such capacities, and a bound for a wild one.
fn memory_max(capacities: &Capacities) -> usize {
    let frames = capacities.frames() * abi::LIMIT_FRAME_SIZE as usize;
    (4 << 20) + frames + 1024 * capacities.destinations as usize
}

fn serve(mut router: Router, signals: &OwnedFd, mut control: Control) -> Result<(), Box<dyn Error>> {
    let mut sources: Vec<(RawFd, From)> = vec![
        (router.path.core.as_raw_fd(), From::Core),
        (router.path.tunnel.as_raw_fd(), From::Tunnel),
        (router.path.errors.as_raw_fd(), From::Errors),
    ];
    for (index, access) in router.path.access.iter().enumerate() {
        sources.push((access.tun.as_raw_fd(), From::Access(index)));
    }
    let mut polled: Vec<libc::pollfd> = Vec::new();
    loop {
        polled.clear();
        polled.extend(sources.iter().map(|&(fd, _)| entry(fd)));
        let signalling = watch(&mut polled, router.signalling.as_raw_fd());
        let tables = watch(&mut polled, router.kernel.tables());
        let end = watch(&mut polled, signals.as_raw_fd());
        let traffic = appended(&mut polled, |polled| router.traffic.poll(polled));
        let links = appended(&mut polled, |polled| router.links.poll(polled));
        let talks = appended(&mut polled, |polled| control.poll(polled));
        sys::poll(&mut polled, timeout(&mut router, &control))?;
        if polled[end].revents != 0 {
            return Ok(());
        }
        router.plane.revive();
        let now = router.now();
        for (&(_, from), polled) in sources.iter().zip(&polled) {
            if polled.revents != 0 {
                router.path.drain(&mut router.plane, from, now)?;
            }
        }
        if router.plane.guard(|instance| instance.deadline()).is_some_and(|due| due <= now) {
            router.path.flush(&mut router.plane, now);
        }
        router.expire();
        if router.deletion().is_some() {
            router.delete_unnamed();
        }
        router.events(control.session());
        if polled[signalling].revents != 0 {
            router.signals(control.session())?;
        }
        if polled[tables].revents != 0 {
            router.restore_table();
        }
        let audience = &mut Audience::new(control.session(), &mut router.memory.lost);
        router.traffic.turn(&polled[traffic], &mut router.plane, now, audience);
        router.links.turn(&polled[links], audience);
        router.restore_links();
        control.turn(&mut router, &polled[talks]);
        router.links.tell(&mut Audience::new(control.session(), &mut router.memory.lost));
    }
}

/// Has `fd` polled; where its answer will stand.
fn watch(polled: &mut Vec<libc::pollfd>, fd: RawFd) -> usize {
    polled.push(entry(fd));
    polled.len() - 1
}

/// Has polled what `add` appends; where the answers will stand.
fn appended(polled: &mut Vec<libc::pollfd>, add: impl FnOnce(&mut Vec<libc::pollfd>)) -> Range<usize> {
    let start = polled.len();
    add(polled);
    start..polled.len()
}

/// Milliseconds until something is due without anybody asking.
fn timeout(router: &mut Router, control: &Control) -> i32 {
    let now = router.now();
    let deadline = router.plane.guard(|instance| instance.deadline()).filter(|&due| due != u64::MAX);
    let due = [
        deadline.map(|due| Duration::from_millis(due.saturating_sub(now))),
        router.plane.revival(),
        router.links.patience(),
        router.expiry(),
        router.deletion(),
        control.patience(),
    ];
    // Rounded up: a millisecond too early would be a turn for nothing.
    let wait = due.into_iter().flatten().min();
    wait.map_or(-1, |wait| i32::try_from(wait.as_micros().div_ceil(1000)).unwrap_or(i32::MAX))
}
