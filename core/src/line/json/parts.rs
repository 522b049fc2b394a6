//! Arrays and objects, part by part.

use serde::ser::{self, Serialize};

use super::{Json, Refused};

/// An array or object that is being written.
pub(in crate::line) struct Parts<'j, 'o> {
    json: &'j mut Json<'o>,
    kind: Kind,
    is_first: bool,
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Kind {
    Array,
    ArrayVariant,
    Object,
    ObjectVariant,
    Raw,
}

impl<'j, 'o> Parts<'j, 'o> {
    pub(super) fn of(json: &'j mut Json<'o>, kind: Kind) -> Self {
        Self {
            json,
            kind,
            is_first: true,
        }
    }

    fn separate(&mut self) {
        if !core::mem::replace(&mut self.is_first, false) {
            self.json.out.push(b',');
        }
    }

    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refused> {
        self.separate();
        value.serialize(&mut *self.json)
    }

    fn field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), Refused> {
        if self.kind == Kind::Raw {
            return self.json.raw(value);
        }
        self.separate();
        self.json.name(key)?;
        value.serialize(&mut *self.json)
    }

    fn finish(self) {
        match self.kind {
            Kind::Array => self.json.close(b']'),
            Kind::Object => self.json.close(b'}'),
            Kind::ArrayVariant => {
                self.json.close(b']');
                self.json.close(b'}');
            }
            Kind::ObjectVariant => {
                self.json.close(b'}');
                self.json.close(b'}');
            }
            Kind::Raw => {}
        }
    }
}

macro_rules! arrays {
    ($($trait:ident: $method:ident;)*) => {
        $(impl ser::$trait for Parts<'_, '_> {
            type Ok = ();
            type Error = Refused;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refused> {
                self.element(value)
            }

            fn end(self) -> Result<(), Refused> {
                self.finish();
                Ok(())
            }
        })*
    };
}

arrays! {
    SerializeSeq: serialize_element;
    SerializeTuple: serialize_element;
    SerializeTupleStruct: serialize_field;
    SerializeTupleVariant: serialize_field;
}

macro_rules! objects {
    ($($trait:ident;)*) => {
        $(impl ser::$trait for Parts<'_, '_> {
            type Ok = ();
            type Error = Refused;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                key: &'static str,
                value: &T,
            ) -> Result<(), Refused> {
                self.field(key, value)
            }

            fn end(self) -> Result<(), Refused> {
                self.finish();
                Ok(())
            }
        })*
    };
}

objects! {
    SerializeStruct;
    SerializeStructVariant;
}

impl ser::SerializeMap for Parts<'_, '_> {
    type Ok = ();
    type Error = Refused;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Refused> {
        self.separate();
        self.json.key(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refused> {
        value.serialize(&mut *self.json)
    }

    fn end(self) -> Result<(), Refused> {
        self.finish();
        Ok(())
    }
}
