use std::any::Any;
use std::io;

use eventfold_core::planted::{Bug, planted};
use eventfold_core::{Fold, NoSnapshot};

use super::{State, View};
use crate::reader::EventReader;
use crate::writer::EventWriter;

/// A view of any state, as a log keeps it.
pub(crate) trait AnyView: Any + Send + Sync {
    fn name(&self) -> &str;
    fn rebuilt(&self) -> Option<NoSnapshot>;
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

    fn rebuilt(&self) -> Option<NoSnapshot> {
        Self::rebuilt(self)
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
