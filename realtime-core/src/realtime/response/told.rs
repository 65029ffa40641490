//! What of a response's words was told: what is told again as a whole brings only the rest.

use crate::{
    realtime::{
        event::ServerEvent,
        types::{ContentPart, Item},
    },
    wire::Id,
};

/// The words of a response so far, part by part.
#[derive(Debug, Default)]
pub(super) struct Told(Vec<Part>);

#[derive(Debug)]
struct Part {
    item: Id,
    index: u32,
    sort: Sort,
    words: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    Text,
    Transcript,
}

/// The words that an event brings and that were not told before.
#[derive(Debug, Default)]
pub(super) struct News {
    pub(super) text: String,
    pub(super) transcript: String,
}

/// The most parts whose words are followed. Of what comes after, the deltas alone are told.
const MOST: usize = 1024;

impl Told {
    /// Takes account of an event.
    pub(super) fn news(&mut self, event: &ServerEvent) -> News {
        let mut news = News::default();
        match event {
            ServerEvent::ResponseOutputTextDelta(delta) => {
                self.add(&delta.item_id, delta.content_index, Sort::Text, &delta.delta);
                news.text = delta.delta.as_str().into();
            }
            ServerEvent::ResponseOutputAudioTranscriptDelta(delta) => {
                self.add(&delta.item_id, delta.content_index, Sort::Transcript, &delta.delta);
                news.transcript = delta.delta.as_str().into();
            }
            ServerEvent::ResponseOutputTextDone(done) => {
                news.text = self.rest(&done.item_id, done.content_index, Sort::Text, &done.text);
            }
            ServerEvent::ResponseOutputAudioTranscriptDone(done) => {
                news.transcript = self.rest(&done.item_id, done.content_index, Sort::Transcript, &done.transcript);
            }
            ServerEvent::ResponseContentPartDone(done) => {
                self.part(&done.item_id, done.content_index, &done.part, &mut news);
            }
            ServerEvent::ResponseOutputItemDone(done) => self.item(&done.item, &mut news),
            ServerEvent::ResponseDone(done) => {
                done.response.output.iter().flatten().for_each(|item| self.item(item, &mut news));
            }
            _ => {}
        }
        news
    }

    fn item(&mut self, item: &Item, news: &mut News) {
        let (Item::Message(message), Some(id)) = (item, item.id()) else { return };
        for (index, part) in (0..).zip(&message.content) {
            self.part(id, index, part, news);
        }
    }

    fn part(&mut self, item: &Id, index: u32, part: &ContentPart, news: &mut News) {
        // Some servers have the words of audio in `text`.
        let (text, transcript) = match (&part.text, &part.transcript) {
            (Some(_), None) if part.is_audio() => (&None, &part.text),
            texts => texts,
        };
        if let Some(text) = text {
            news.text += &self.rest(item, index, Sort::Text, text);
        }
        if let Some(transcript) = transcript {
            news.transcript += &self.rest(item, index, Sort::Transcript, transcript);
        }
    }

    fn add(&mut self, item: &Id, index: u32, sort: Sort, words: &str) {
        if let Some(told) = self.words(item, index, sort) {
            told.push_str(words);
        }
    }

    /// What of the whole was not told. Nothing, where the whole says something else.
    fn rest(&mut self, item: &Id, index: u32, sort: Sort, whole: &str) -> String {
        let Some(told) = self.words(item, index, sort) else { return String::new() };
        let rest = whole.strip_prefix(&**told).unwrap_or_default().to_owned();
        told.push_str(&rest);
        rest
    }

    fn words(&mut self, item: &Id, index: u32, sort: Sort) -> Option<&mut String> {
        let is = |part: &Part| part.index == index && part.sort == sort && part.item == *item;
        let at = match self.0.iter().rposition(is) {
            Some(at) => at,
            None if self.0.len() < MOST => {
                self.0.push(Part { item: item.clone(), index, sort, words: String::new() });
                self.0.len() - 1
            }
            None => return None,
        };
        Some(&mut self.0[at].words)
    }
}
