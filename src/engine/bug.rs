//! Mistakes put in on purpose, so that the tests of the laws can show that they would notice. A release ignores them.

/// What to do wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// Sequences are undone first to last.
    UndoInOrder,
    /// An undone unit may be undone again.
    UndoTwice,
    /// A step that failed is not undone, only those before it.
    SkipFailedStep,
    /// The deadline of the way forward also ends the undo.
    DeadlineInUndo,
    /// Something is said after the end.
    CommandAfterFinish,
    /// A call in doubt counts as done.
    DoubtIsDone,
    /// A call in doubt counts as never started.
    DoubtIsNothing,
    /// A transaction that was open when its process died goes on.
    HalfTransaction,
}
