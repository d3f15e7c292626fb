//! One integration binary: it links once.

mod agent_formats;
