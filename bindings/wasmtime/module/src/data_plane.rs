//! One instance of the module.

use wasmtime::{Instance, Memory, Module, Store, StoreLimits, StoreLimitsBuilder, TypedFunc};

use crate::abi;
use crate::runtime::{Error, Runtime};

/// Records that an instance makes room for; see `init` in the ABI.
#[derive(Clone, Copy)]
pub struct Capacities {
    pub batch: u32,
    pub destinations: u32,
    pub sources: u32,
    pub peers: u32,
    pub flows: u32,
    pub held: u32,
    pub flow_entries: u32,
}

impl Capacities {
    /// Frames, descriptors and outputs of such an instance.
    pub fn frames(&self) -> usize {
        3 * self.batch as usize + 2 * self.held as usize
    }
}

#[derive(Clone, Copy)]
pub struct Options {
    pub capacities: Capacities,
    /// Of the module's hashes: nobody outside should know it.
    pub seed: u64,
    pub locator: [u8; 16],
    pub core_mtu: u32,
    /// Bits of `abi::INIT_FLAG_*`.
    pub flags: u32,
    /// Octets that the linear memory may take.
    pub memory_max: usize,
    /// Ticks that one call may last under a limited runtime.
    pub ticks: u64,
}

const AREAS: usize = abi::AREA_LOOKUP_RESULTS as usize + 1;
const MADV_HUGEPAGE: i32 = libc::MADV_HUGEPAGE;

/// An initialised instance. Its memory never grows again, so offsets of areas stay what they are.
pub struct DataPlane {
    store: Store<StoreLimits>,
    ticks: u64,
    capacities: Capacities,
    memory: Memory,
    bases: [usize; AREAS],
    apply: TypedFunc<u32, u32>,
    process: TypedFunc<(u32, u64), u32>,
    lookup: TypedFunc<(u32, u64), u32>,
    events: TypedFunc<(), u32>,
    deadline: TypedFunc<(), u64>,
    entries: TypedFunc<(u32, u32), u32>,
}

type Init = (u32, u32, u32, u32, u32, u32, u32, u64, u64, u64, u32, u32);

impl DataPlane {
    /// Instantiates the module; fails where its ABI version is another or it refuses the options.
    pub fn new(runtime: &Runtime, module: &Module, options: &Options) -> Result<Self, Error> {
        let limits = StoreLimitsBuilder::new().memory_size(options.memory_max).build();
        let mut store = Store::new(&runtime.engine, limits);
        store.limiter(|limits| limits);
        store.set_epoch_deadline(options.ticks);
        let instance = Instance::new(&mut store, module, &[])?;
        let version = instance.get_typed_func::<(), u32>(&mut store, "abi_version")?.call(&mut store, ())?;
        if version != abi::ABI_VERSION {
            return Err(Error::Version(version));
        }
        let init = instance.get_typed_func::<Init, u32>(&mut store, "init")?;
        let status = init.call(&mut store, parameters(options))?;
        if status != abi::STATUS_OK {
            return Err(Error::Refused("init", status));
        }
        let base = instance.get_typed_func::<u32, u32>(&mut store, "base")?;
        let mut bases = [0; AREAS];
        for (area, at) in bases.iter_mut().enumerate() {
            *at = base.call(&mut store, area as u32)? as usize;
        }
        let memory = instance
            .get_memory(&mut store, "memory")
            .ok_or_else(|| wasmtime::Error::msg("the module exports no memory"))?;
        check_areas(&bases, memory.data_size(&store), &options.capacities)?;
        Ok(Self {
            ticks: options.ticks,
            capacities: options.capacities,
            memory,
            bases,
            apply: instance.get_typed_func(&mut store, "apply")?,
            process: instance.get_typed_func(&mut store, "process")?,
            lookup: instance.get_typed_func(&mut store, "lookup")?,
            events: instance.get_typed_func(&mut store, "events")?,
            deadline: instance.get_typed_func(&mut store, "deadline")?,
            entries: instance.get_typed_func(&mut store, "entries")?,
            store,
        })
    }

    /// Asks the kernel for huge pages behind the linear memory: a table of tens of megabytes in small pages pays a
    /// page walk for each look-up. A kernel without them refuses, which changes nothing but speed; the result says which.
    pub fn advise_huge_pages(&mut self) -> bool {
        let memory = self.memory_mut();
        // SAFETY: advice about mapped memory changes nothing of its content.
        unsafe { libc::madvise(memory.as_mut_ptr().cast(), memory.len(), MADV_HUGEPAGE) == 0 }
    }

    /// Offset in memory of the first record of an area (`abi::AREA_*`).
    pub fn base(&self, area: u32) -> usize {
        self.bases[area as usize]
    }

    pub fn capacities(&self) -> &Capacities {
        &self.capacities
    }

    pub fn memory(&self) -> &[u8] {
        self.memory.data(&self.store)
    }

    pub fn memory_mut(&mut self) -> &mut [u8] {
        self.memory.data_mut(&mut self.store)
    }

    /// Carries out commands 0 to `count` - 1 of the command area; each record has its status then.
    pub fn apply(&mut self, count: u32) -> Result<(), Error> {
        self.store.set_epoch_deadline(self.ticks);
        match self.apply.call(&mut self.store, count)? {
            abi::STATUS_OK => Ok(()),
            status => Err(Error::Refused("apply", status)),
        }
    }

    /// Processes descriptors 0 to `count` - 1 at `now` (milliseconds); the number of outputs.
    pub fn process(&mut self, count: u32, now: u64) -> Result<u32, Error> {
        self.store.set_epoch_deadline(self.ticks);
        match self.process.call(&mut self.store, (count, now))? {
            abi::NONE => Err(Error::Refused("process", abi::NONE)),
            outputs => Ok(outputs),
        }
    }

    /// Looks up keys 0 to `count` - 1 of their area at `now` (milliseconds).
    pub fn lookup(&mut self, count: u32, now: u64) -> Result<(), Error> {
        self.store.set_epoch_deadline(self.ticks);
        match self.lookup.call(&mut self.store, (count, now))? {
            abi::STATUS_OK => Ok(()),
            status => Err(Error::Refused("lookup", status)),
        }
    }

    /// Takes the events raised since the last call: so many records of their area.
    pub fn events(&mut self) -> Result<u32, Error> {
        self.store.set_epoch_deadline(self.ticks);
        match self.events.call(&mut self.store, ())? {
            count if count <= abi::LIMIT_EVENTS => Ok(count),
            _ => Err(Error::Wild("events")),
        }
    }

    /// When `process` is due even without packets, in milliseconds: 0 for at once, `u64::MAX` for never.
    pub fn deadline(&mut self) -> Result<u64, Error> {
        self.store.set_epoch_deadline(self.ticks);
        Ok(self.deadline.call(&mut self.store, ())?)
    }

    /// Writes records of a table (code of its area) to the area `listing`, from place `from` on; the place to go on
    /// from, or `abi::NONE`.
    pub fn entries(&mut self, table: u32, from: u32) -> Result<u32, Error> {
        self.store.set_epoch_deadline(self.ticks);
        match self.entries.call(&mut self.store, (table, from))? {
            // Whoever lists goes on until the end, so there must be one.
            next if next <= from => Err(Error::Wild("entries")),
            next => Ok(next),
        }
    }
}

/// So that a host may index areas without a panic, whatever the module answers.
fn check_areas(bases: &[usize; AREAS], memory: usize, capacities: &Capacities) -> Result<(), Error> {
    let batch = capacities.batch as usize;
    let frames = capacities.frames();
    let sizes = [
        (abi::AREA_FRAMES, frames * abi::LIMIT_FRAME_SIZE as usize),
        (abi::AREA_DESCRIPTORS, frames * abi::DESCRIPTOR_SIZE),
        (abi::AREA_OUTPUTS, frames * 4),
        (abi::AREA_COMMANDS, abi::LIMIT_COMMANDS as usize * abi::COMMAND_SIZE),
        (abi::AREA_EVENTS, abi::LIMIT_EVENTS as usize * abi::EVENT_SIZE),
        (abi::AREA_COUNTERS, abi::COUNTER_SLOTS as usize * 8),
        (abi::AREA_LISTING, abi::LIMIT_LISTING as usize * abi::SLOT_SIZE.max(abi::FLOW_SIZE)),
        (abi::AREA_LOOKUP_KEYS, batch * 16),
        (abi::AREA_LOOKUP_RESULTS, batch * 4),
    ];
    match sizes.iter().all(|&(area, size)| bases[area as usize].saturating_add(size) <= memory) {
        true => Ok(()),
        false => Err(Error::Wild("areas")),
    }
}

fn parameters(options: &Options) -> Init {
    let Options { capacities: c, seed, locator, core_mtu, flags, .. } = options;
    let locator = u128::from_be_bytes(*locator);
    let (high, low) = ((locator >> 64) as u64, locator as u64);
    (
        c.batch,
        c.destinations,
        c.sources,
        c.peers,
        c.flows,
        c.held,
        c.flow_entries,
        *seed,
        high,
        low,
        *core_mtu,
        *flags,
    )
}
