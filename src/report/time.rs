//! Lengths of time as people read them in a report: two units at most.
use crate::value::Nanos;

/// `8ms`, `1.2s`, `2m 05s`, `1h 03m`, `2d 4h`.
#[must_use]
pub fn length(time: Nanos) -> String {
    let millis = time.0.max(0) / 1_000_000;
    let seconds = millis / 1000;
    match seconds {
        0 => format!("{millis}ms"),
        1..10 => format!("{}.{}s", seconds, millis % 1000 / 100),
        10..60 => format!("{seconds}s"),
        60..3600 => format!("{}m {:02}s", seconds / 60, seconds % 60),
        3600..86400 => format!("{}h {:02}m", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{}d {}h", seconds / 86400, seconds % 86400 / 3600),
    }
}

/// A limit as it was written, without empty units: `30s`, `1m`, `1h30m`, `250ms`.
#[must_use]
pub fn limit(time: Nanos) -> String {
    let mut millis = time.0.max(0) / 1_000_000;
    if millis == 0 {
        return "0s".to_owned();
    }
    let mut out = String::new();
    for (unit, size) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)] {
        if millis >= size {
            out.push_str(&format!("{}{unit}", millis / size));
            millis %= size;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_have_two_units() {
        let shown: Vec<String> = [0, 8, 1234, 12_345, 125_000, 3_780_000, 187_200_000]
            .into_iter()
            .map(|ms| length(Nanos(ms * 1_000_000)))
            .collect();
        assert_eq!(shown, ["0ms", "8ms", "1.2s", "12s", "2m 05s", "1h 03m", "2d 4h"]);
    }

    #[test]
    fn limits_are_as_written() {
        let shown: Vec<String> =
            [0, 250, 30_000, 60_000, 5_400_000].into_iter().map(|ms| limit(Nanos(ms * 1_000_000))).collect();
        assert_eq!(shown, ["0s", "250ms", "30s", "1m", "1h30m"]);
    }
}
