//! The open end of a far command's standard input.
use tokio::io::AsyncWriteExt;
use tokio::process::ChildStdin;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// While this lives, the far command may. Dropped, it is ended over there.
pub struct Lease {
    words: mpsc::UnboundedSender<&'static [u8]>,
    writing: JoinHandle<()>,
}

impl Lease {
    /// Write `program`, then hold the pipe open.
    pub fn hold(mut stdin: ChildStdin, program: Vec<u8>) -> Lease {
        let (words, mut heard) = mpsc::unbounded_channel::<&'static [u8]>();
        let writing = tokio::spawn(async move {
            // A far side that is gone shows in its signs.
            let _ = stdin.write_all(&program).await;
            drop(program);
            while let Some(word) = heard.recv().await {
                let _ = stdin.write_all(word).await;
            }
        });
        Lease { words, writing }
    }

    /// TERM, the grace, KILL.
    pub fn end(&self) {
        let _ = self.words.send(b"t\n");
    }

    pub fn kill(&self) {
        let _ = self.words.send(b"k\n");
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.writing.abort();
    }
}
