//! One thread, many tasks, and a seed that says who runs next.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use crate::seeds::Dice;

struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Release);
    }
}

struct Task<'a> {
    name: &'static str,
    future: Option<Pin<Box<dyn Future<Output = ()> + 'a>>>,
    woken: Arc<Flag>,
}

/// Tasks that are polled only when they were woken.
#[derive(Default)]
pub(crate) struct Executor<'a> {
    tasks: Vec<Task<'a>>,
    pub(crate) polls: u64,
}

impl<'a> Executor<'a> {
    pub(crate) fn spawn(&mut self, name: &'static str, future: impl Future<Output = ()> + 'a) {
        let woken = Arc::new(Flag(AtomicBool::new(true)));
        self.tasks.push(Task { name, future: Some(Box::pin(future)), woken });
    }

    /// Runs woken tasks in an order of the dice until none is woken. The names of those that did not finish.
    pub(crate) fn run(&mut self, dice: &mut Dice) -> Vec<&'static str> {
        loop {
            let woken = |task: &Task<'_>| task.future.is_some() && task.woken.0.load(Ordering::Acquire);
            let runnable: Vec<_> = (0..self.tasks.len()).filter(|&at| woken(&self.tasks[at])).collect();
            if runnable.is_empty() {
                return self.tasks.iter().filter(|task| task.future.is_some()).map(|task| task.name).collect();
            }
            self.polls += 1;
            let task = &mut self.tasks[runnable[dice.roll(runnable.len())]];
            task.woken.0.store(false, Ordering::Release);
            let waker = Waker::from(task.woken.clone());
            let mut cx = Context::from_waker(&waker);
            if let Some(future) = &mut task.future
                && let Poll::Ready(()) = future.as_mut().poll(&mut cx)
            {
                task.future = None;
            }
        }
    }
}
