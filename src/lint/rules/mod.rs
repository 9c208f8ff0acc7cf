//! The rules, one a file.
mod cd_leak;
mod check_elsewhere;
mod context_leak;
mod cron_vs_text;
mod curl_no_fail;
mod ddl_apart;
mod default_target;
mod delete_without_where;
mod destructive_unguarded;
mod downgrade_after_checkout;
mod drop_before_verify;
mod evidence_after_destroy;
mod exec_before_up;
mod fixed_sleep;
mod foreground_daemon;
mod glob_in_artefact;
mod grep_as_check;
mod half_restarted;
mod interactive_command;
mod kill_by_name;
mod lock_heavy;
mod lost_exit_code;
mod migrate_after_switch;
mod missing_owner;
mod more_sessions;
mod moving_target;
mod oldest_first;
mod other_project;
mod overwrite_artefact;
mod percent_metric;
mod placeholder;
mod publish_before_verify;
mod raw_code;
mod redis_keys;
mod relative_target;
mod sample_secret;
mod secret_in_output;
mod secret_variable;
mod shared_schema;
mod single_probe;
mod stale_words;
mod stamp_twice;
mod switch_unchecked;
mod unbounded_follow;
mod undo_takes_more;
mod unknown_subcommand;
mod unproven_restore;
mod update_without_where;
mod wait_misses_failure;
mod word_for_evidence;

use super::Rule;
use crate::diag::Code;

/// Every rule.
pub const ALL: &[&Rule] = &[
    &cd_leak::RULE,
    &check_elsewhere::RULE,
    &context_leak::RULE,
    &cron_vs_text::RULE,
    &curl_no_fail::RULE,
    &ddl_apart::RULE,
    &default_target::RULE,
    &delete_without_where::RULE,
    &destructive_unguarded::RULE,
    &downgrade_after_checkout::RULE,
    &drop_before_verify::RULE,
    &evidence_after_destroy::RULE,
    &exec_before_up::RULE,
    &fixed_sleep::RULE,
    &foreground_daemon::RULE,
    &glob_in_artefact::RULE,
    &grep_as_check::RULE,
    &half_restarted::RULE,
    &interactive_command::RULE,
    &kill_by_name::RULE,
    &lock_heavy::RULE,
    &lost_exit_code::RULE,
    &migrate_after_switch::RULE,
    &missing_owner::RULE,
    &more_sessions::RULE,
    &moving_target::RULE,
    &oldest_first::RULE,
    &other_project::RULE,
    &overwrite_artefact::RULE,
    &percent_metric::RULE,
    &placeholder::RULE,
    &publish_before_verify::RULE,
    &raw_code::RULE,
    &redis_keys::RULE,
    &relative_target::RULE,
    &sample_secret::RULE,
    &secret_in_output::RULE,
    &secret_variable::RULE,
    &shared_schema::RULE,
    &single_probe::RULE,
    &stale_words::RULE,
    &stamp_twice::RULE,
    &switch_unchecked::RULE,
    &unbounded_follow::RULE,
    &undo_takes_more::RULE,
    &unknown_subcommand::RULE,
    &unproven_restore::RULE,
    &update_without_where::RULE,
    &wait_misses_failure::RULE,
    &word_for_evidence::RULE,
];

/// Whether a kind of finding is a rule's: advice, which may be allowed.
#[must_use]
pub fn has(code: Code) -> bool {
    ALL.iter().any(|rule| rule.code == code)
}
