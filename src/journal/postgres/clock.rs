//! Time since this machine was started, also while it or this process sleeps: what a lease is measured by.
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

#[cfg(target_os = "linux")]
const CLOCK: ClockId = ClockId::CLOCK_BOOTTIME;
#[cfg(not(target_os = "linux"))]
const CLOCK: ClockId = ClockId::CLOCK_MONOTONIC;

pub fn boot() -> Duration {
    // Where there is no clock no lease is believed in.
    clock_gettime(CLOCK).map_or(Duration::MAX, Duration::from)
}
