//! What every system must do behind the internal interface.

extern crate std;

use core::time::Duration;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::vec::Vec;

use rustix::fd::AsFd;
use rustix::io::Errno;

use super::alarm::Alarm;
use super::clock::Instant;
use super::readiness::{Events, Interest, Readiness, has_ended, has_hung_up, has_input, token_of, wait_for_input};

/// Of each event the token, and whether the peer is known to have gone.
fn events(readiness: &Readiness) -> Result<Vec<(u64, bool)>, Errno> {
    let mut events = Events::<4>::new();
    let ready = readiness.ready(&mut events, 4)?;
    Ok(ready.iter().map(|event| (token_of(event), has_hung_up(*event))).collect())
}

fn pair() -> Result<(UnixStream, UnixStream), Errno> {
    UnixStream::pair().map_err(|_| Errno::MFILE)
}

const LONG: Duration = Duration::from_secs(10);
const SHORT: Duration = Duration::from_millis(1);

#[test]
fn an_alarm_that_has_gone_off_stays_so_until_it_is_set_anew() -> Result<(), Errno> {
    let mut alarm = Alarm::new()?;
    assert_eq!((alarm.at(), has_input(&alarm)?), (None, false));
    let soon = alarm.now().plus(SHORT);
    alarm.set(Some(soon))?;
    assert_eq!(alarm.at(), Some(soon));
    for _ in 0..2 {
        assert!(wait_for_input(&alarm, LONG)?);
    }
    assert!(alarm.now() >= soon);
    alarm.set(None)?;
    assert_eq!((alarm.at(), has_input(&alarm)?), (None, false));

    // Once more, and then for later.
    alarm.set(Some(soon))?;
    assert!(wait_for_input(&alarm, LONG)?);
    let later = alarm.now().plus(LONG);
    alarm.set(Some(later))?;
    assert!(!has_input(&alarm)?);
    alarm.set_by(later.plus(SHORT));
    assert_eq!(alarm.at(), Some(later));
    alarm.set_by(soon);
    assert!(wait_for_input(&alarm, LONG)?);

    // What was set and taken back does not go off.
    alarm.set(Some(alarm.now().plus(SHORT)))?;
    alarm.set(None)?;
    assert!(!wait_for_input(&alarm, SHORT * 20)?);
    alarm.set(Some(Instant::now().plus(Duration::MAX)))?;
    assert_eq!((alarm.at(), has_input(&alarm)?), (None, false));
    Ok(())
}

#[test]
fn an_alarm_wakes_whoever_sleeps_for_everything() -> Result<(), Errno> {
    let (readiness, mut alarm) = (Readiness::new()?, Alarm::new()?);
    readiness.add(&alarm, u64::MAX - 1, Interest::Input)?;
    assert!(!readiness.wait(Some(Duration::ZERO))?);
    alarm.set(Some(alarm.now().plus(SHORT)))?;
    for _ in 0..2 {
        assert!(readiness.wait(Some(LONG))?);
        assert_eq!(events(&readiness)?, [(u64::MAX - 1, false)]);
    }
    alarm.set(None)?;
    assert_eq!(events(&readiness)?, []);
    assert!(!readiness.wait(Some(Duration::ZERO))?);
    Ok(())
}

#[test]
fn a_socket_is_ready_for_what_it_is_watched_for_as_long_as_it_lasts() -> Result<(), Errno> {
    let readiness = Readiness::new()?;
    let (ours, mut theirs) = pair()?;
    readiness.add(&ours, 7, Interest::Input)?;
    assert_eq!(events(&readiness)?, []);
    theirs.write_all(b"xy").map_err(|_| Errno::IO)?;
    for _ in 0..2 {
        assert_eq!(events(&readiness)?, [(7, false)]);
    }
    // Another token, and another interest.
    readiness.modify(&ours, u64::MAX, Interest::Output)?;
    for _ in 0..2 {
        assert_eq!(events(&readiness)?, [(u64::MAX, false)]);
    }
    readiness.modify(&ours, 8, Interest::Anything)?;
    assert_eq!(events(&readiness)?, [(8, false)]);
    readiness.modify(&ours, 8, Interest::Nothing)?;
    assert_eq!(events(&readiness)?, []);
    readiness.modify(&ours, 9, Interest::Output)?;
    assert_eq!(events(&readiness)?, [(9, false)]);
    readiness.modify(&ours, 9, Interest::Input)?;
    assert_eq!(events(&readiness)?, [(9, false)]);
    (&ours).read_exact(&mut [0; 2]).map_err(|_| Errno::IO)?;
    assert_eq!(events(&readiness)?, []);
    theirs.write_all(b"z").map_err(|_| Errno::IO)?;
    readiness.remove(&ours);
    assert_eq!(events(&readiness)?, []);
    readiness.add(&ours, 3, Interest::Input)?;
    assert_eq!(events(&readiness)?, [(3, false)]);
    Ok(())
}

#[test]
fn a_peer_that_is_gone_is_told_whatever_is_waited_for() -> Result<(), Errno> {
    for interest in [Interest::Output, Interest::Anything, Interest::Nothing] {
        let readiness = Readiness::new()?;
        let (ours, theirs) = pair()?;
        readiness.add(&ours, 5, interest)?;
        theirs.shutdown(Shutdown::Write).map_err(|_| Errno::IO)?;
        assert!(events(&readiness)?.iter().all(|event| *event == (5, false)), "it may still receive");
        if interest == Interest::Nothing {
            assert!(!readiness.wait(Some(Duration::ZERO))?, "that is woken without end");
        }
        drop(theirs);
        for _ in 0..3 {
            assert_eq!(events(&readiness)?, [(5, true)], "{interest:?}");
        }
        readiness.remove(&ours);
        assert_eq!(events(&readiness)?, []);
    }
    Ok(())
}

#[test]
fn a_peer_that_is_gone_is_told_to_whoever_waits_for_input() -> Result<(), Errno> {
    let readiness = Readiness::new()?;
    let (ours, theirs) = pair()?;
    readiness.add(ours.as_fd(), 5, Interest::Input)?;
    drop(theirs);
    let mut events = Events::<4>::new();
    for _ in 0..2 {
        let ready = readiness.ready(&mut events, 4)?;
        assert!(matches!(ready, [event] if has_hung_up(*event) || has_ended(*event)));
    }
    Ok(())
}

#[test]
fn no_more_is_shown_than_is_asked_for_and_the_rest_comes_next() -> Result<(), Errno> {
    let readiness = Readiness::new()?;
    let pairs: Vec<_> = (0..5).map(|_| pair()).collect::<Result<_, _>>()?;
    for (token, (ours, _)) in (0..).zip(&pairs) {
        // Those that wait for nothing hide nobody.
        readiness.add(ours, token, if token < 2 { Interest::Nothing } else { Interest::Output })?;
    }
    let mut shown = Vec::new();
    let mut events = Events::<4>::new();
    while shown.len() < 3 {
        let ready = readiness.ready(&mut events, 2)?;
        assert!(!ready.is_empty() && ready.len() <= 2);
        shown.extend(ready.iter().map(token_of));
    }
    shown.truncate(3);
    shown.sort_unstable();
    assert_eq!(shown, [2, 3, 4]);
    Ok(())
}
