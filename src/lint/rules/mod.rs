//! The rules, one a file.
mod curl_no_fail;
mod interactive_command;
mod unbounded_follow;

use super::Rule;
use crate::diag::Code;

/// Every rule.
pub const ALL: &[&Rule] = &[&curl_no_fail::RULE, &interactive_command::RULE, &unbounded_follow::RULE];

/// Whether a kind of finding is a rule's: advice, which may be allowed.
#[must_use]
pub fn has(code: Code) -> bool {
    ALL.iter().any(|rule| rule.code == code)
}
