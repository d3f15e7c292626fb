//! Figures of what is found, as charts that also fit 80 columns.

use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{MouseEvent, MouseEventKind};
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::domain::agreement::{BlindFigures, Share};
use crate::tui::action::Action;
use crate::tui::draw_context::DrawContext;
use crate::tui::effect::{Effect, Failure, Statistics, StatisticsRequest, Ticket};
use crate::tui::theme::{Paint, Theme};
use crate::tui::widgets::bar_chart;
use crate::tui::widgets::pane::{Scroll, scrolled};

use super::Request;
use super::corpus::thousands;

/// Values of a field that are shown.
const SHOWN: usize = 12;

/// The statistics view.
#[derive(Debug, Default)]
pub struct StatisticsView {
    query: String,
    ticket: Ticket,
    figures: Option<Result<Box<Statistics>, Failure>>,
    scroll: Scroll,
    height: usize,
}

impl StatisticsView {
    /// Asks for the figures of a query.
    pub fn ask(&mut self, query: &str) -> Request {
        self.ticket.0 += 1;
        self.query = query.to_owned();
        Request::Do(Effect::ReadStatistics(StatisticsRequest {
            ticket: self.ticket,
            query: query.to_owned(),
        }))
    }

    /// The figures have come.
    pub fn arrived(&mut self, ticket: Ticket, figures: Result<Box<Statistics>, Failure>) {
        if ticket == self.ticket {
            self.figures = Some(figures);
        }
    }

    /// Does what a key asks for.
    pub fn act(&mut self, action: Action) -> Vec<Request> {
        let page = self.height.saturating_sub(1).max(1) as isize;
        match action {
            Action::Down => self.scroll.by(1),
            Action::Up => self.scroll.by(-1),
            Action::PageDown => self.scroll.by(page),
            Action::PageUp => self.scroll.by(-page),
            Action::First => self.scroll.top = 0,
            Action::Last => self.scroll.top = usize::MAX,
            Action::Refresh => return vec![self.ask(&self.query.clone())],
            _ => {}
        }
        Vec::new()
    }

    /// Takes the mouse.
    pub fn mouse(&mut self, event: &MouseEvent) -> Vec<Request> {
        match event.kind {
            MouseEventKind::ScrollDown => self.scroll.by(3),
            MouseEventKind::ScrollUp => self.scroll.by(-3),
            _ => {}
        }
        Vec::new()
    }

    /// Draws the view.
    pub fn draw(&mut self, area: Rect, buffer: &mut Buffer, context: &mut DrawContext<'_>) {
        self.height = usize::from(area.height);
        let theme = context.theme;
        let of = match self.query.trim().is_empty() {
            true => "everything".to_owned(),
            false => self.query.clone(),
        };
        let mut lines = vec![Line::from(vec![
            Span::styled("Statistics of ", theme.style(Paint::Heading)),
            Span::styled(
                crate::domain::visible_line(&of).into_owned(),
                theme.style(Paint::Accent),
            ),
        ])];
        match &self.figures {
            None => lines.push(Line::styled("…", theme.style(Paint::Dim))),
            Some(Err(failure)) => lines.push(Line::styled(
                failure.message.clone(),
                theme.style(Paint::Bad),
            )),
            Some(Ok(figures)) => {
                let width = usize::from(area.width.saturating_sub(2));
                let boxes = boxes(
                    figures,
                    if width >= 110 { (width - 3) / 2 } else { width },
                    theme,
                );
                lines.extend(match width >= 110 {
                    true => columns(boxes, (width - 3) / 2),
                    false => boxes.into_iter().flatten().collect(),
                });
            }
        }
        scrolled(&lines, &mut self.scroll, area, theme, buffer);
    }
}

/// Charts one below the other, or in two columns of about the same height.
fn columns(boxes: Vec<Vec<Line<'static>>>, width: usize) -> Vec<Line<'static>> {
    let half: usize = boxes.iter().map(Vec::len).sum::<usize>().div_ceil(2);
    let (mut left, mut right): (Vec<Line<'static>>, Vec<Line<'static>>) = (Vec::new(), Vec::new());
    for lines in boxes {
        match left.len() < half {
            true => left.extend(lines),
            false => right.extend(lines),
        }
    }
    let count = left.len().max(right.len());
    let (mut left, mut right) = (left.into_iter(), right.into_iter());
    let row = |_| {
        let line = left.next().unwrap_or_default();
        let missing = width.saturating_sub(line.width()) + 3;
        let mut spans = line.spans;
        spans.push(Span::raw(" ".repeat(missing)));
        spans.extend(right.next().unwrap_or_default().spans);
        Line::from(spans)
    };
    (0..count).map(row).collect()
}

fn boxes(figures: &Statistics, width: usize, theme: &Theme) -> Vec<Vec<Line<'static>>> {
    let heading = |text: &str| Line::styled(text.to_owned(), theme.style(Paint::Heading));
    let [trajectories, steps, pairs] = figures.totals.map(|total| thousands(total as usize));
    let mut boxes = vec![vec![
        Line::from(format!(
            "{trajectories} trajectories, {steps} steps, {pairs} pairs"
        )),
        Line::default(),
    ]];
    if let Some((_, review)) = figures.facets.iter().find(|(field, _)| *field == "review") {
        let total: u64 = review.iter().map(|(_, count)| count).sum();
        let open = review.iter().find(|(state, _)| state == "unreviewed");
        let done = total - open.map_or(0, |(_, count)| *count);
        let share = match total {
            0 => 0.0,
            _ => done as f64 * 100.0 / total as f64,
        };
        let text = format!(
            "{} of {} reviewed ({share:.1}%)",
            thousands(done as usize),
            thousands(total as usize)
        );
        boxes.push(vec![
            heading("Review progress"),
            Line::from(text),
            Line::default(),
        ]);
    }
    if !figures.step_counts.is_empty() {
        let counts: Vec<(String, u64)> = figures
            .step_counts
            .iter()
            .map(|(steps, count)| (steps.to_string(), *count))
            .collect();
        let mut lines = vec![heading("Trajectories by their number of steps")];
        lines.extend(bar_chart::lines(&counts, SHOWN, width, theme));
        lines.push(Line::default());
        boxes.push(lines);
    }
    for (field, counts) in &figures.facets {
        let title = match *field {
            "review" => "What people decided",
            "verdict" => "Verdicts",
            "outcome" => "Outcomes of runs",
            "tool" => "Tools, by steps",
            "flag" => "Flags, by trajectories",
            "has" => "Steps that have",
            "type" => "Files, by trajectories",
            _ => "Sources",
        };
        let mut lines = vec![heading(title)];
        lines.extend(bar_chart::lines(counts, SHOWN, width, theme));
        lines.push(Line::default());
        boxes.push(lines);
    }
    let rated: Vec<_> = figures
        .agreement
        .iter()
        .filter(|line| line.units != Some(0))
        .collect();
    if !rated.is_empty() {
        let mut lines = vec![heading("Agreement of annotators")];
        for line in rated {
            let percent = line
                .percent
                .map_or("–".to_owned(), |share| format!("{:.0}%", share * 100.0));
            let alpha = line
                .alpha
                .map_or("–".to_owned(), |alpha| format!("{alpha:.2}"));
            let units = line
                .units
                .map_or("withheld".to_owned(), |units| format!("{units} rated"));
            lines.push(Line::from(format!(
                "{:<24} {percent:>5}  α {alpha:>5}  {units}",
                line.question
            )));
        }
        lines.push(Line::default());
        boxes.push(lines);
    }
    if !figures.votes.is_empty() {
        boxes.push(vote_lines(&figures.votes, theme));
    }
    boxes
}

/// How annotators vote in blind mode, each figure with what it rests on.
fn vote_lines(votes: &[BlindFigures], theme: &Theme) -> Vec<Line<'static>> {
    let heading = |text: &str| Line::styled(text.to_owned(), theme.style(Paint::Heading));
    let mut lines = vec![heading("Blind votes on pairs")];
    for figures in votes {
        let count = figures
            .votes
            .map_or("withheld".to_owned(), |votes| format!("{votes} votes"));
        let annotator = crate::domain::visible_line(&figures.annotator).into_owned();
        lines.push(Line::from(vec![
            Span::styled(annotator, theme.style(Paint::Accent)),
            Span::raw(format!("  {count}")),
        ]));
        if figures.votes.is_some() {
            for (title, share) in [
                ("consistent", &figures.consistent),
                ("for the left", &figures.left),
                ("for the longer", &figures.longer),
            ] {
                lines.push(Line::from(format!("  {title:<15} {}", share_words(share))));
            }
        }
    }
    lines.push(Line::default());
    lines
}

fn share_words(share: &Share) -> String {
    let counts = share.counts;
    let counts = counts.map_or(String::new(), |counts| {
        format!("{} of {}", counts.count, counts.of)
    });
    match share.share {
        Ok(share) => format!("{:>4.0}%  {counts}", share * 100.0),
        Err(reason) => format!("{:>5}  {counts}  {reason}", "–"),
    }
}
