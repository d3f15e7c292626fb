use std::any::Any;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

/// Which of the requests that wait a [`Worker`] takes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// All of them, as they came.
    AsTheyCame,
    /// Only the newest; a newer one takes the place of one that waits.
    OnlyNewest,
    /// The newest first; of more than so many the oldest is dropped.
    NewestFirst(usize),
}

/// A thread that performs requests of one kind, one at a time.
///
/// A request that panics does not end it: what the panic said is handed to whoever made the worker.
pub struct Worker<T> {
    queue: Arc<Queue<T>>,
    thread: Option<JoinHandle<()>>,
}

struct Queue<T> {
    order: Order,
    state: Mutex<State<T>>,
    changed: Condvar,
}

struct State<T> {
    waiting: VecDeque<T>,
    is_closed: bool,
}

impl<T> Queue<T> {
    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next(&self) -> Option<T> {
        let mut state = self.state();
        loop {
            let next = match self.order {
                Order::AsTheyCame | Order::OnlyNewest => state.waiting.pop_front(),
                Order::NewestFirst(_) => state.waiting.pop_back(),
            };
            if next.is_some() {
                return next;
            }
            if state.is_closed {
                return None;
            }
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl<T: Send + 'static> Worker<T> {
    /// Starts the thread. `perform` is called for each request, `panicked` with what a panic in it said.
    pub fn start(
        name: &str,
        order: Order,
        mut perform: impl FnMut(T) + Send + 'static,
        panicked: impl Fn(String) + Send + 'static,
    ) -> std::io::Result<Self> {
        let queue = Arc::new(Queue {
            order,
            state: Mutex::new(State {
                waiting: VecDeque::new(),
                is_closed: false,
            }),
            changed: Condvar::new(),
        });
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn({
            let queue = Arc::clone(&queue);
            move || {
                while let Some(request) = queue.next() {
                    let done = catch_unwind(AssertUnwindSafe(|| perform(request)));
                    if let Err(panic) = done {
                        panicked(panic_words(&*panic));
                    }
                }
            }
        })?;
        Ok(Self {
            queue,
            thread: Some(thread),
        })
    }

    /// Hands a request over; returns at once. What it pushes out of the queue is given back.
    pub fn submit(&self, request: T) -> Option<T> {
        let mut state = self.queue.state();
        let limit = match self.queue.order {
            Order::AsTheyCame => usize::MAX,
            Order::OnlyNewest => 1,
            Order::NewestFirst(limit) => limit.max(1),
        };
        let pushed_out = match state.waiting.len() >= limit {
            true => state.waiting.pop_front(),
            false => None,
        };
        state.waiting.push_back(request);
        drop(state);
        self.queue.changed.notify_one();
        pushed_out
    }

    /// Waits until everything that was handed over is done, and ends the thread.
    pub fn finish(mut self) {
        self.close();
        if let Some(thread) = self.thread.take() {
            // The thread catches the panics of requests; one of its own has nothing to tell.
            let _ = thread.join();
        }
    }

    fn close(&self) {
        self.queue.state().is_closed = true;
        self.queue.changed.notify_all();
    }
}

impl<T> Drop for Worker<T> {
    /// What waits is dropped; what is being done goes on, and nobody waits for it.
    fn drop(&mut self) {
        let mut state = self.queue.state();
        state.is_closed = true;
        if self.thread.is_some() {
            state.waiting.clear();
        }
        drop(state);
        self.queue.changed.notify_all();
    }
}

/// What a panic said.
pub fn panic_words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("it gave no reason").to_owned()
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// A worker that is busy with its first request until the gate opens, and what it did.
    fn gated(order: Order) -> (Worker<u32>, mpsc::Sender<()>, mpsc::Receiver<String>) {
        let (open, gate) = mpsc::channel();
        let (told, done) = mpsc::channel();
        let (busy, started) = mpsc::channel();
        let told_panic = told.clone();
        let perform = move |request: u32| {
            if request == 0 {
                busy.send(()).expect("somebody listens");
                gate.recv().expect("the gate");
            }
            assert_ne!(request, 13, "thirteen");
            told.send(request.to_string()).expect("somebody listens");
        };
        let panicked = move |text: String| {
            let first = text.lines().next().unwrap_or_default().to_owned();
            told_panic.send(first).expect("somebody listens");
        };
        let worker = Worker::start("test", order, perform, panicked).expect("a thread");
        worker.submit(0);
        started.recv().expect("it has begun");
        (worker, open, done)
    }

    fn outcome(order: Order, requests: &[u32]) -> (Vec<u32>, Vec<String>) {
        let (worker, open, done) = gated(order);
        let pushed = requests.iter().filter_map(|r| worker.submit(*r)).collect();
        open.send(()).expect("it waits");
        worker.finish();
        (pushed, done.iter().collect())
    }

    #[test]
    fn requests_are_taken_in_the_order_asked_for() {
        let (pushed, done) = outcome(Order::AsTheyCame, &[1, 2, 3]);
        assert_eq!((pushed.len(), done.join(" ").as_str()), (0, "0 1 2 3"));
        let (pushed, done) = outcome(Order::OnlyNewest, &[1, 2, 3]);
        assert_eq!((pushed, done.join(" ").as_str()), (vec![1, 2], "0 3"));
        let (pushed, done) = outcome(Order::NewestFirst(2), &[1, 2, 3]);
        assert_eq!((pushed, done.join(" ").as_str()), (vec![1], "0 3 2"));
    }

    #[test]
    fn a_panic_is_told_and_the_next_request_is_done() {
        let (_, done) = outcome(Order::AsTheyCame, &[13, 2]);
        assert_eq!(done.len(), 3, "{done:?}");
        assert!(done[1].contains("thirteen"), "{done:?}");
        assert_eq!(done[2], "2");
    }
}
