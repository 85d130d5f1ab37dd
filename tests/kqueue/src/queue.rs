//! A kqueue: filters by descriptor or timer, level-triggered.

use std::collections::BTreeMap;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd, RawFd};
use std::process;
use std::sync::{Mutex, PoisonError};

use bitflags::bitflags;
use nix_of_linux::Result;
use nix_of_linux::errno::Errno;
use nix_of_linux::libc::timespec;
use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, timerfd_create, timerfd_settime};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(non_camel_case_types, reason = "as nix has them")]
pub enum EventFilter {
    EVFILT_READ,
    EVFILT_WRITE,
    EVFILT_TIMER,
}

bitflags! {
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct EvFlags: u16 {
        const EV_ADD = 0x0001;
        const EV_DELETE = 0x0002;
        const EV_ONESHOT = 0x0010;
        const EV_CLEAR = 0x0020;
        const EV_RECEIPT = 0x0040;
        const EV_ERROR = 0x4000;
        const EV_EOF = 0x8000;
    }

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct FilterFlag: u32 {
        const NOTE_NSECONDS = 0x0008;
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KEvent {
    ident: usize,
    filter: EventFilter,
    flags: EvFlags,
    fflags: FilterFlag,
    data: isize,
    udata: isize,
}

impl KEvent {
    pub fn new(
        ident: usize,
        filter: EventFilter,
        flags: EvFlags,
        fflags: FilterFlag,
        data: isize,
        udata: isize,
    ) -> Self {
        Self { ident, filter, flags, fflags, data, udata }
    }

    pub fn ident(&self) -> usize {
        self.ident
    }

    pub fn filter(&self) -> Result<EventFilter> {
        Ok(self.filter)
    }

    pub fn flags(&self) -> EvFlags {
        self.flags
    }

    pub fn data(&self) -> isize {
        self.data
    }

    pub fn udata(&self) -> isize {
        self.udata
    }
}

#[derive(Debug)]
pub struct Kqueue {
    epoll: OwnedFd,
    filters: Mutex<BTreeMap<(usize, EventFilter), Filter>>,
    /// "The queue is not inherited by a child created with fork(2)."
    process: u32,
}

#[derive(Debug)]
struct Filter {
    udata: isize,
    oneshot: bool,
    /// At the edge. One such filter makes the other of a descriptor so too.
    clear: bool,
    _timer: Option<OwnedFd>,
}

/// Tells the events of timers from those of descriptors.
const TIMER: u64 = 1 << 63;

impl Kqueue {
    pub fn new() -> Result<Self> {
        let epoll = epoll::create(CreateFlags::empty()).map_err(errno)?;
        Ok(Self { epoll, filters: Mutex::default(), process: process::id() })
    }

    pub fn kevent(&self, changes: &[KEvent], events: &mut [KEvent], timeout: Option<timespec>) -> Result<usize> {
        if self.process != process::id() {
            return Err(Errno::EBADF);
        }
        let mut placed = 0;
        for change in changes {
            let error = match self.change(change) {
                Ok(()) if !change.flags.contains(EvFlags::EV_RECEIPT) => continue,
                Ok(()) => 0,
                Err(error) => error as isize,
            };
            match events.get_mut(placed) {
                Some(room) => *room = KEvent { flags: EvFlags::EV_ERROR, data: error, ..*change },
                None if error == 0 => continue,
                None => return Err(Errno::from_raw(error as i32)),
            }
            placed += 1;
        }
        if placed > 0 { Ok(placed) } else { self.take(events, timeout) }
    }

    fn change(&self, change: &KEvent) -> Result<()> {
        let mut filters = self.filters.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (change.ident, change.filter);
        if change.filter == EventFilter::EVFILT_TIMER {
            // Dropping the old one takes it out of the instance too.
            let old = filters.remove(&key);
            if change.flags.contains(EvFlags::EV_DELETE) {
                return old.map(drop).ok_or(Errno::ENOENT);
            }
            let timer = self.timer(change)?;
            filters.insert(key, Filter { _timer: Some(timer), ..filter(change) });
            return Ok(());
        }
        let descriptor = descriptor(change.ident)?;
        if !change.flags.intersects(EvFlags::EV_ADD | EvFlags::EV_DELETE) {
            return filters.get(&key).map(|_| ()).ok_or(Errno::ENOENT);
        }
        // A descriptor takes its filters along when it is closed, and its number may be another's now.
        let is_known = epoll::modify(
            &self.epoll,
            descriptor,
            EventData::new_u64(change.ident as u64),
            flags(&filters, change.ident),
        );
        if is_known.is_err() {
            filters.retain(|(ident, filter), _| *ident != change.ident || *filter == EventFilter::EVFILT_TIMER);
        }
        if change.flags.contains(EvFlags::EV_DELETE) {
            filters.remove(&key).ok_or(Errno::ENOENT)?;
        } else {
            filters.insert(key, filter(change));
        }
        let has_filters = [EventFilter::EVFILT_READ, EventFilter::EVFILT_WRITE]
            .iter()
            .any(|filter| filters.contains_key(&(change.ident, *filter)));
        let watched = match (is_known.is_ok(), has_filters) {
            (true, false) => epoll::delete(&self.epoll, descriptor),
            (false, false) => Ok(()),
            (is_known, true) => {
                let watch = if is_known { epoll::modify } else { epoll::add };
                watch(&self.epoll, descriptor, EventData::new_u64(change.ident as u64), flags(&filters, change.ident))
            }
        };
        watched.map_err(errno)
    }

    fn timer(&self, change: &KEvent) -> Result<OwnedFd> {
        assert_eq!(change.fflags, FilterFlag::NOTE_NSECONDS, "another unit");
        let nanoseconds = i64::try_from(change.data).map_err(|_| Errno::EINVAL)?;
        if nanoseconds < 0 {
            return Err(Errno::EINVAL);
        }
        let (tv_sec, tv_nsec) = (nanoseconds / 1_000_000_000, nanoseconds % 1_000_000_000);
        let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::CLOEXEC).map_err(errno)?;
        let never = Timespec { tv_sec: 0, tv_nsec: 0 };
        let once = Itimerspec { it_interval: never, it_value: Timespec { tv_sec, tv_nsec: tv_nsec.max(1) } };
        timerfd_settime(&timer, TimerfdTimerFlags::empty(), &once).map_err(errno)?;
        let data = EventData::new_u64(TIMER | change.ident as u64);
        epoll::add(&self.epoll, &timer, data, EventFlags::IN).map_err(errno)?;
        Ok(timer)
    }

    fn take(&self, events: &mut [KEvent], timeout: Option<timespec>) -> Result<usize> {
        let mut ready = vec![MaybeUninit::<Event>::uninit(); events.len()];
        let timeout = timeout.map(|timeout| Timespec { tv_sec: timeout.tv_sec, tv_nsec: timeout.tv_nsec });
        let (ready, _) = epoll::wait(&self.epoll, &mut ready[..], timeout.as_ref()).map_err(errno)?;
        let mut filters = self.filters.lock().unwrap_or_else(PoisonError::into_inner);
        let mut placed = 0;
        for event in ready {
            let (ident, flags) = ((event.data.u64() & !TIMER) as usize, event.flags);
            let is_timer = event.data.u64() & TIMER != 0;
            let has_ended = flags.intersects(EventFlags::RDHUP | EventFlags::HUP | EventFlags::ERR);
            let is_gone = flags.intersects(EventFlags::HUP | EventFlags::ERR);
            for (filter, is_ready, eof) in [
                (EventFilter::EVFILT_TIMER, is_timer, false),
                (EventFilter::EVFILT_READ, !is_timer && (flags.contains(EventFlags::IN) || has_ended), has_ended),
                (EventFilter::EVFILT_WRITE, !is_timer && (flags.contains(EventFlags::OUT) || is_gone), is_gone),
            ] {
                let (true, Some(found), Some(room)) = (is_ready, filters.get(&(ident, filter)), events.get_mut(placed))
                else {
                    continue;
                };
                let mut flags = EvFlags::empty();
                flags.set(EvFlags::EV_EOF, eof);
                flags.set(EvFlags::EV_CLEAR, found.clear);
                *room = KEvent::new(ident, filter, flags, FilterFlag::empty(), 1, found.udata);
                placed += 1;
                if found.oneshot {
                    filters.remove(&(ident, filter));
                }
            }
        }
        Ok(placed)
    }
}

impl AsFd for Kqueue {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.epoll.as_fd()
    }
}

fn filter(change: &KEvent) -> Filter {
    let has = |flag| change.flags.contains(flag);
    Filter { udata: change.udata, oneshot: has(EvFlags::EV_ONESHOT), clear: has(EvFlags::EV_CLEAR), _timer: None }
}

fn flags(filters: &BTreeMap<(usize, EventFilter), Filter>, ident: usize) -> EventFlags {
    let mut flags = EventFlags::empty();
    for (filter, wanted) in
        [(EventFilter::EVFILT_READ, EventFlags::IN | EventFlags::RDHUP), (EventFilter::EVFILT_WRITE, EventFlags::OUT)]
    {
        if let Some(filter) = filters.get(&(ident, filter)) {
            flags |= wanted;
            flags.set(EventFlags::ET, filter.clear || flags.contains(EventFlags::ET));
        }
    }
    flags
}

fn descriptor(ident: usize) -> Result<BorrowedFd<'static>> {
    let number = RawFd::try_from(ident).map_err(|_| Errno::EBADF)?;
    if number < 0 {
        return Err(Errno::EBADF);
    }
    // SAFETY: it is used for calls to epoll alone, which say so if it is not open.
    Ok(unsafe { BorrowedFd::borrow_raw(number) })
}

fn errno(error: rustix::io::Errno) -> Errno {
    Errno::from_raw(error.raw_os_error())
}
