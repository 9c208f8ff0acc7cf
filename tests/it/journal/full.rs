//! A disk without room.
use super::child::told;
use super::made::room;

/// On a file system of its own, of this size. Root needs no other user for it, and in a chroot may have none.
fn on_small_disk(size: &str) -> String {
    format!(
        r#"unshare -m true 2>/dev/null && U=-m || U=-rm; exec unshare $U sh -c 'mount -t tmpfs -o mode=700,size={size} none "$RBK_TEST_DISK" && exec "$@"' sh "$@""#
    )
}

fn told_on_disk(job: &str, size: &str) -> Vec<String> {
    let (dir, _) = room();
    let disk = dir.path().join("disk");
    std::fs::create_dir(&disk).unwrap();
    told(job, &disk.join("journal.db"), &format!("export RBK_TEST_DISK='{}'; {}", disk.display(), on_small_disk(size)))
}

#[test]
fn a_run_on_a_full_disk_can_still_be_unwound() {
    for size in ["2m", "3m"] {
        let said = told_on_disk("fill", size);
        let [full, help, on_reserve, ..] = said.as_slice() else { panic!("{said:?}") };
        assert!(
            full.starts_with("the journal `") && full.ends_with("cannot be written: database or disk is full"),
            "{full}"
        );
        assert_eq!(help, "make room on its disk, or set `RBK_JOURNAL` to another one");
        // Each step to undo is an intent and an outcome, or two.
        assert!(on_reserve.parse::<u32>().unwrap() >= 1000, "{said:?}");
    }
}

#[test]
fn no_run_starts_without_the_room_to_unwind_it() {
    for size in ["16k", "500k", "1100k"] {
        let said = told_on_disk("start", size);
        assert!(said[0].starts_with("full true: the journal `"), "{said:?}");
    }
}

#[test]
fn a_limit_on_the_size_of_files_is_a_full_disk() {
    let (_dir, path) = room();
    // In blocks of 512 or 1024 bytes; more than the reserve.
    let said = told("fill", &path, r#"trap "" XFSZ; ulimit -f 2200; exec "$@""#);
    assert!(said[0].contains("cannot be written: "), "{said:?}");
}
