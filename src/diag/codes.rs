//! Every diagnostic code, once: its name, one line of what it is, and the documentation `rbk explain` prints
//! (one Markdown file a code under `docs/codes/`, embedded).

macro_rules! codes {
    ($($variant:ident $name:literal $summary:literal,)*) => {
        /// The kebab-case name of a kind of finding.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code { $($variant,)* }

        impl Code {
            pub const ALL: &'static [Code] = &[$(Code::$variant,)*];

            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Code::$variant => $name,)* }
            }

            /// One line: what it is.
            #[must_use]
            pub fn summary(self) -> &'static str {
                match self { $(Code::$variant => $summary,)* }
            }

            /// Markdown: what it means, an example, the way out.
            #[must_use]
            pub fn documentation(self) -> &'static str {
                match self { $(Code::$variant => include_str!(concat!("../../docs/codes/", $name, ".md")),)* }
            }

            #[must_use]
            pub fn find(name: &str) -> Option<Code> {
                Code::ALL.iter().copied().find(|c| c.name() == name)
            }
        }
    };
}

codes! {
    Syntax "syntax" "the text is not rbk",
    UnknownName "unknown-name" "nothing of this name is in reach",
    UnknownAction "unknown-action" "no action, method or context of this name",
    UnknownField "unknown-field" "the record has no such field",
    UnknownModule "unknown-module" "no library of this name",
    DuplicateName "duplicate-name" "a name is bound once",
    DuplicateStep "duplicate-step" "two steps of one block are named alike",
    DuplicateKey "duplicate-key" "a record's keys differ",
    TypeMismatch "type-mismatch" "a value of another type is needed here",
    UnitMismatch "unit-mismatch" "a duration, a size or a time is needed, with its unit",
    OutOfRange "out-of-range" "a count or a length of time is too small for where it stands",
    NotACondition "not-a-condition" "this call has no answer that is true or false",
    WrongArguments "wrong-arguments" "the arguments do not fit the parameters",
    MissingRollback "missing-rollback" "a step writes and nobody has thought about undoing it",
    MixedStep "mixed-step" "a step either writes or contains steps, never both",
    WriteOutsideStep "write-outside-step" "a write has no step that owns its undo",
    WriteInCondition "write-in-condition" "a condition only reads",
    WriteInReadonly "write-in-readonly" "a readonly step only reads",
    WriteInReadSql "write-in-read-sql" "a reading query has side effects",
    RefusedCommand "refused-command" "this command of Redis does not belong in a runbook",
    UnsetInRollback "unset-in-rollback" "the rollback may run before this name is set",
    MaybeUnset "maybe-unset" "this name is not set on every way here",
    MisplacedStatement "misplaced-statement" "this statement does not belong here",
    MisplacedIrreversible "misplaced-irreversible" "a point of no return cannot stand here",
    UnsafeRetry "unsafe-retry" "repeating this could do it twice",
    BuiltCode "built-code" "code is written as a literal where it is used",
    ShellSyntax "shell-syntax" "the shell cannot read this command",
    SqlSyntax "sql-syntax" "Postgres cannot read this statement",
    ValueInBackticks "value-in-backticks" "a value cannot be quoted inside backticks",
    ValueInCode "value-in-code" "a value lands in code that something else interprets",
    NullInCode "null-in-code" "null has no text",
    SecretInArguments "secret-in-arguments" "a secret would be visible in the process list",
    SecretInText "secret-in-text" "a secret is written into the file",
    SecretInName "secret-in-name" "names are shown and are keys",
    BudgetExceeded "budget-exceeded" "the time budgets do not add up",
    LocalInContext "local-in-context" "this works on the local machine only",
    MissingHeader "missing-header" "a runbook needs this header word",
    MissingInput "missing-input" "a parameter, secret or answer is missing",
    BadInput "bad-input" "an input does not fit its declaration",
    Recursion "recursion" "an action calls itself",
    ReviewOverdue "review-overdue" "the runbook's review is overdue",
    Unreachable "unreachable" "this can never run",
    IdleUndo "idle-undo" "an undo has nothing to undo: it never runs",
    UnsureCapture "unsure-capture" "what looks like a write counts as a read here",
    BadAllow "bad-allow" "an `allow` that allows nothing",
    UnusedAllow "unused-allow" "an `allow` of what is not there",
    // Of `lint`, one rule each.
    CheckElsewhere "check-elsewhere" "a database is restored, and another one is looked at",
    CdLeak "cd-leak" "a change of the shell that the next command does not see",
    ContextLeak "context-leak" "a setting that every other shell follows",
    CronVsText "cron-vs-text" "a schedule, and words that say something else",
    CurlNoFail "curl-no-fail" "an HTTP error is a success",
    DdlApart "ddl-apart" "definitions of one step that do not stand or fall together",
    DefaultTarget "default-target" "a database program that goes wherever the defaults lead",
    DestructiveUnguarded "destructive-unguarded" "something is destroyed, and nothing looks before",
    DowngradeAfterCheckout "downgrade-after-checkout" "the code that could undo the migrations is gone",
    UpdateWithoutWhere "update-without-where" "an `UPDATE` changes every row of its table",
    DeleteWithoutWhere "delete-without-where" "a `DELETE` empties its table",
    LockHeavy "lock-heavy" "a statement holds a lock for as long as its table is big",
    DropBeforeVerify "drop-before-verify" "a database goes before its dump has been read",
    EvidenceAfterDestroy "evidence-after-destroy" "the logs are asked for when what wrote them is gone",
    ExecBeforeUp "exec-before-up" "a command runs in the container of before",
    FixedSleep "fixed-sleep" "a pause in place of a state",
    ForegroundDaemon "foreground-daemon" "a server is started where it never ends, or where nobody watches it",
    GlobInArtefact "glob-in-artefact" "a pattern stands where one file is meant",
    GrepAsCheck "grep-as-check" "`grep` fails where it has nothing to show",
    HalfRestarted "half-restarted" "some of the services are left with the old code",
    InteractiveCommand "interactive-command" "a program waits for somebody to type",
    KillByName "kill-by-name" "processes are ended by their name",
    LostExitCode "lost-exit-code" "a failure that nobody hears of",
    MigrateAfterSwitch "migrate-after-switch" "the traffic has moved, and the migrations come later",
    MissingOwner "missing-owner" "a runbook that is nobody's",
    MoreSessions "more-sessions" "a remedy for too many sessions that holds more of them",
    MovingTarget "moving-target" "what is deployed is whatever is the newest by then",
    OldestFirst "oldest-first" "the first lines of a list that begins with the oldest",
    OtherProject "other-project" "`docker compose` with a file here and without one there",
    OverwriteArtefact "overwrite-artefact" "a backup takes the place of the one before",
    PercentMetric "percent-metric" "a rate per second that is compared like a share",
    Placeholder "placeholder" "something is still to be filled in",
    PublishBeforeVerify "publish-before-verify" "a backup is sent away before it has been read",
    RawCode "raw-code" "a value that is code from now on",
    RedisKeys "redis-keys" "`KEYS` holds up the whole server",
    RelativeTarget "relative-target" "where it goes depends on where it is",
    SampleSecret "sample-secret" "a password stands in the text",
    SecretInOutput "secret-in-output" "a command that prints secrets",
    SecretVariable "secret-variable" "a secret stands in the process list",
    SharedSchema "shared-schema" "a schema changes under a version that goes on to use it",
    SingleProbe "single-probe" "one look right behind a restart",
    StaleWords "stale-words" "a message that was true of one release",
    StampTwice "stamp-twice" "the time is asked twice for one name",
    SwitchUnchecked "switch-unchecked" "traffic goes to something that nobody has looked at",
    UnboundedFollow "unbounded-follow" "a command never ends",
    UndoTakesMore "undo-takes-more" "a rollback destroys what may have been there before",
    UnknownSubcommand "unknown-subcommand" "a command that its program does not know",
    UnprovenRestore "unproven-restore" "a dump of unknown age is restored",
    WaitMissesFailure "wait-misses-failure" "a wait that does not see a failure",
    WordForEvidence "word-for-evidence" "a person's word where something could be looked at",
}
