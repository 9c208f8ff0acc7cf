//! A thread that speaks with the server, so that a lease is renewed while its run is busy with something else.
use std::pin::Pin;
use std::thread::JoinHandle;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::line::Line;
use crate::journal::Trouble;

type Job = Box<dyn for<'a> FnOnce(&'a mut Line) -> Pin<Box<dyn Future<Output = ()> + 'a>> + Send>;

/// Ends with this.
pub struct Worker {
    jobs: Option<UnboundedSender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    pub fn start(line: impl FnOnce() -> Line + Send + 'static) -> Result<Worker, Trouble> {
        let wrong = |e: std::io::Error| Trouble::new(format!("the journal cannot be used: {e}"));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(wrong)?;
        let (jobs, come) = unbounded_channel();
        let work = move || runtime.block_on(serve(line(), come));
        let thread = std::thread::Builder::new().name("rbk journal".to_owned()).spawn(work).map_err(wrong)?;
        Ok(Worker { jobs: Some(jobs), thread: Some(thread) })
    }

    /// Have it done, and wait for what comes of it: each job sees to its own end.
    pub fn ask<T: Send + 'static>(
        &self,
        work: impl AsyncFnOnce(&mut Line) -> Result<T, Trouble> + Send + 'static,
    ) -> Result<T, Trouble> {
        let (tell, told) = std::sync::mpsc::sync_channel(1);
        let job: Job = Box::new(move |line| {
            Box::pin(async move {
                // Whoever asked waits for it.
                let _ = tell.send(work(line).await);
            })
        });
        let sent = self.jobs.as_ref().is_some_and(|jobs| jobs.send(job).is_ok());
        let gone = || Trouble::new("the journal's own thread has ended: a bug of rbk");
        if sent { told.recv().unwrap_or_else(|_| Err(gone())) } else { Err(gone()) }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn serve(mut line: Line, mut jobs: UnboundedReceiver<Job>) {
    loop {
        tokio::select! {
            biased;
            job = jobs.recv() => match job {
                Some(job) => job(&mut line).await,
                None => return,
            },
            () = line.upkeep() => {}
        }
    }
}
