//! What was asked for is done to its end, whether whoever asked still listens or not.
//!
//! A visitor who clicks and closes the page at once has clicked all the same, and a program that hangs up asks again
//! under the same key: it has to find an answer. So the work has a task of its own; and a daemon that stops waits for
//! those tasks, since no connection does.

use tokio::task::JoinError;
use tokio_util::task::TaskTracker;

/// Work that was begun. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct UnderWay(TaskTracker);

impl UnderWay {
    /// Does `work` to its end, even if nobody waits for this any more.
    ///
    /// # Errors
    /// When it panicked.
    pub async fn finish<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, JoinError> {
        self.0.spawn(work).await
    }

    /// Waits until all of it is done.
    pub async fn done(&self) {
        self.0.close();
        self.0.wait().await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use futures_util::FutureExt;
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn what_was_begun_is_waited_for_when_its_caller_has_gone() {
        let (under_way, did) = (UnderWay::default(), Arc::new(AtomicBool::new(false)));
        let ((begun, has_begun), (go_on, may_go_on)) = (oneshot::channel(), oneshot::channel());
        let work = {
            let did = Arc::clone(&did);
            async move {
                let _ = begun.send(());
                let _: Result<(), _> = may_go_on.await;
                did.store(true, Ordering::Relaxed);
            }
        };
        let caller = {
            let under_way = under_way.clone();
            tokio::spawn(async move { under_way.finish(work).await })
        };
        has_begun.await.expect("it began");
        caller.abort();
        assert!(caller.await.is_err_and(|end| end.is_cancelled()));
        assert!(under_way.done().now_or_never().is_none(), "it is under way");
        go_on.send(()).expect("it waits");
        under_way.done().await;
        assert!(did.load(Ordering::Relaxed));
    }
}
