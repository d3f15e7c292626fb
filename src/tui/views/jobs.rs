//! Work that takes long: how far it is, how it ended.

use std::time::{Duration, Instant};

use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{MouseEvent, MouseEventKind};
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::jobs::Progress;
use crate::tui::action::Action;
use crate::tui::draw_context::DrawContext;
use crate::tui::effect::{Failure, JobId};
use crate::tui::overlays::{Notice, Overlay, TextPage};
use crate::tui::theme::Paint;
use crate::tui::widgets::styled_text::{column, cut};

use super::Request;

/// A piece of work.
#[derive(Debug)]
pub struct Job {
    /// Its name in messages.
    pub id: JobId,
    /// What it does.
    pub title: String,
    progress: Progress,
    started: Instant,
    ended: Option<(Duration, Result<String, Failure>)>,
    /// All there is to say of how it ended.
    details: Option<String>,
}

/// The jobs view, which also keeps the list.
#[derive(Debug, Default)]
pub struct JobsView {
    jobs: Vec<Job>,
    next: u32,
    selected: usize,
    area: Rect,
}

impl JobsView {
    /// A new job with its progress.
    pub fn start(&mut self, title: impl Into<String>) -> (JobId, Progress) {
        let id = JobId(self.next);
        self.next += 1;
        let progress = Progress::default();
        self.jobs.insert(
            0,
            Job {
                id,
                title: title.into(),
                progress: progress.clone(),
                started: Instant::now(),
                ended: None,
                details: None,
            },
        );
        (id, progress)
    }

    /// Something went wrong that nobody asked for, such as a worker's panic.
    pub fn failed(&mut self, title: impl Into<String>, failure: Failure) {
        let (id, _) = self.start(title);
        self.end(id, Err(failure));
    }

    /// A job has ended.
    pub fn end(&mut self, id: JobId, result: Result<String, Failure>) {
        if let Some(job) = self.jobs.iter_mut().find(|job| job.id == id) {
            job.ended = Some((job.started.elapsed(), result));
        }
    }

    /// What there is to say of a job besides a line.
    pub fn detail(&mut self, id: JobId, details: String) {
        if let Some(job) = self.jobs.iter_mut().find(|job| job.id == id) {
            job.details = Some(details);
        }
    }

    /// Jobs that run, with how far they are, for the bottom of the screen.
    pub fn running(&self) -> Option<String> {
        let job = self.jobs.iter().find(|job| job.ended.is_none())?;
        let (done, total) = job.progress.amounts();
        Some(match total {
            0 => job.title.clone(),
            _ => format!("{} {}%", job.title, done.saturating_mul(100) / total),
        })
    }

    /// Asks every running job to end.
    pub fn cancel_all(&self) {
        for job in &self.jobs {
            job.progress.cancel();
        }
    }

    /// Does what a key asks for.
    pub fn act(&mut self, action: Action) -> Vec<Request> {
        let last = self.jobs.len().saturating_sub(1);
        match action {
            Action::Down => self.selected = (self.selected + 1).min(last),
            Action::Up => self.selected = self.selected.saturating_sub(1),
            Action::First => self.selected = 0,
            Action::Last => self.selected = last,
            Action::CancelJob => {
                let job = self
                    .jobs
                    .get(self.selected)
                    .filter(|job| job.ended.is_none());
                return match job {
                    Some(job) => {
                        job.progress.cancel();
                        vec![Request::Say(format!("cancelling: {}", job.title))]
                    }
                    None => vec![Request::Say("it has ended already".to_owned())],
                };
            }
            Action::Open => {
                let Some(job) = self.jobs.get(self.selected) else {
                    return Vec::new();
                };
                if let Some((_, Err(failure))) = &job.ended {
                    let notice = Notice::new(failure.clone());
                    return vec![Request::Show(Box::new(Overlay::Notice(notice)))];
                }
                if let Some(details) = &job.details {
                    let page = TextPage::new(job.title.clone(), details.clone());
                    return vec![Request::Show(Box::new(Overlay::TextPage(page)))];
                }
            }
            _ => {}
        }
        Vec::new()
    }

    /// Takes the mouse.
    pub fn mouse(&mut self, event: &MouseEvent) -> Vec<Request> {
        match event.kind {
            MouseEventKind::ScrollDown => self.act(Action::Down),
            MouseEventKind::ScrollUp => self.act(Action::Up),
            MouseEventKind::Down(_) => {
                let row = usize::from(event.row.saturating_sub(self.area.y + 1));
                self.selected = row.min(self.jobs.len().saturating_sub(1));
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    /// Draws the view.
    pub fn draw(&mut self, area: Rect, buffer: &mut Buffer, context: &mut DrawContext<'_>) {
        self.area = area;
        buffer.set_string(area.x, area.y, "Work", context.style(Paint::Heading));
        if self.jobs.is_empty() {
            buffer.set_string(area.x, area.y + 1, "nothing yet", context.style(Paint::Dim));
        }
        let width = usize::from(area.width);
        let skipped = (self.selected + 2).saturating_sub(usize::from(area.height));
        let jobs = self.jobs.iter().enumerate().skip(skipped);
        for ((number, job), y) in jobs.zip(area.y + 1..area.bottom()) {
            let title_width = (width / 2).min(40);
            let (state, paint) = state(job);
            let line = Line::from(vec![
                Span::raw(format!("{} ", column(&job.title, title_width))),
                Span::styled(
                    cut(&state, width.saturating_sub(title_width + 1)),
                    context.style(paint),
                ),
            ]);
            buffer.set_line(area.x, y, &line, area.width);
            if number == self.selected {
                buffer.set_style(
                    Rect {
                        y,
                        height: 1,
                        ..area
                    },
                    context.style(Paint::Selected),
                );
            }
        }
    }
}

fn state(job: &Job) -> (String, Paint) {
    match &job.ended {
        Some((took, Ok(said))) => (
            format!("done in {:.1} s  {said}", took.as_secs_f32()),
            Paint::Good,
        ),
        Some((_, Err(_))) if job.progress.check().is_err() => ("cancelled".to_owned(), Paint::Dim),
        Some((_, Err(failure))) => (format!("failed: {}", failure.message), Paint::Bad),
        None => {
            let (done, total) = job.progress.amounts();
            let elapsed = job.started.elapsed().as_secs_f64();
            match total {
                0 => (format!("running, {elapsed:.0} s"), Paint::Accent),
                _ => {
                    let share = done as f64 / total as f64;
                    let left = match share > 0.01 {
                        true => format!(", about {:.0} s left", elapsed / share - elapsed),
                        false => String::new(),
                    };
                    (format!("{:.0}%{left}", share * 100.0), Paint::Accent)
                }
            }
        }
    }
}
