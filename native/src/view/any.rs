use std::any::Any;
use std::io;

use eventfold_core::planted::{Bug, planted};
use eventfold_core::{Fold, NoSnapshot};

use super::{State, View};
use crate::reader::EventReader;
use crate::writer::EventWriter;

/// A view of any state, as a log keeps it.
pub(crate) trait AnyView: Send + Sync {
    fn name(&self) -> &str;
    fn state(&self) -> &dyn Any;
    fn rebuilt(&self) -> Option<NoSnapshot>;
    fn state_at(&self, reader: &EventReader, position: u64) -> io::Result<Box<dyn Any>>;
    fn load(&mut self, reader: &EventReader) -> io::Result<()>;
    /// Folds what came since and saves the snapshot; both happen or neither.
    fn refresh(&mut self, reader: &EventReader, writer: &mut EventWriter) -> io::Result<()>;
    /// Folds everything again and saves the snapshot; both happen or neither.
    fn rebuild(&mut self, reader: &EventReader, writer: &mut EventWriter) -> io::Result<()>;
}

impl<S: State> AnyView for View<S> {
    fn name(&self) -> &str {
        &self.name
    }

    fn state(&self) -> &dyn Any {
        self.fold.state()
    }

    fn rebuilt(&self) -> Option<NoSnapshot> {
        Self::rebuilt(self)
    }

    fn state_at(&self, reader: &EventReader, position: u64) -> io::Result<Box<dyn Any>> {
        Ok(Box::new(Self::state_at(self, reader, position)?))
    }

    fn load(&mut self, reader: &EventReader) -> io::Result<()> {
        Self::load(self, reader)
    }

    fn refresh(&mut self, reader: &EventReader, writer: &mut EventWriter) -> io::Result<()> {
        let refreshed = self.refreshed(&self.fold, reader);
        if refreshed.is_err() && planted(Bug::StateLostOnError) {
            self.fold = Fold::new(S::default()).with_version(self.version());
        }
        refreshed?.map_or(Ok(()), |fold| self.adopt(fold, writer))
    }

    fn rebuild(&mut self, reader: &EventReader, writer: &mut EventWriter) -> io::Result<()> {
        let fold = self.folded_anew(reader)?;
        self.adopt(fold, writer)
    }
}
