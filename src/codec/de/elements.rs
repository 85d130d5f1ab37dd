//! What a visitor reads one after the other: elements, entries and fields.

use serde::de::{self, DeserializeSeed};

use super::super::MAX_ZERO_SIZED;
use super::super::carried::Carried;
use super::super::layout::{Layout, Stop};
use super::Deserializer;

/// The elements of a sequence or the entries of a map, whose number is on the wire.
pub(super) struct Elements<'m, 'a, 'de, L, E> {
    pub(super) deserializer: Deserializer<'m, 'a, 'de, L, E>,
    pub(super) declared: usize,
    pub(super) remaining: usize,
}

impl<'de, L: Layout, E: Carried> Elements<'_, '_, 'de, L, E> {
    /// Decodes the next element, or the next entry's key.
    #[inline]
    fn next<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, E> {
        if self.remaining == 0 {
            // A list that was ended early would have had more.
            self.deserializer.message.input.read_on();
            return Ok(None);
        }
        self.remaining -= 1;
        let arrived = self.deserializer.message.input.arrived();
        let result = seed.deserialize(self.deserializer.reborrow());
        if self.deserializer.message.input.arrived() == arrived {
            self.count_zero_sized::<T>()?;
        }
        // The value is moved once: a second move costs as much as reading it.
        match result {
            Ok(value) => Ok(Some(value)),
            Err(error) => Err(self.failed::<T>(error)),
        }
    }

    /// Counts an element that took no bytes.
    #[inline]
    fn count_zero_sized<S>(&mut self) -> Result<(), E> {
        self.deserializer.message.zero_sized += 1;
        self.end_if_stopped::<S>();
        if self.deserializer.message.zero_sized > MAX_ZERO_SIZED && self.deserializer.message.input.stopped().is_none()
        {
            self.remaining = 0;
            let reason = Stop::ImpossibleLength(self.declared as u64);
            return self.deserializer.message.input.refuse(reason).map_err(E::from);
        }
        Ok(())
    }

    #[inline]
    fn failed<S>(&mut self, error: E) -> E {
        self.end_if_stopped::<S>();
        error
    }

    /// Once nothing more can be read there are no more elements, so that a type which ignores errors ends all the same.
    /// After any other error it may go on with the next element.
    ///
    /// To look after an error and after an element without bytes is enough: an element that has come to the end itself
    /// and says nothing of it is followed by one of these.
    #[inline]
    fn end_if_stopped<S>(&mut self) {
        self.remaining = self.deserializer.message.remaining_after(self.remaining, size_of::<S>() == 0);
    }

    /// What a visitor may reserve room for: all that remains, unless the elements that the message has declared so far can't
    /// all have arrived.
    #[inline]
    fn plausible(&self) -> Option<usize> {
        let message = &*self.deserializer.message;
        let length = message.input.length();
        if message.declared <= length.saturating_add(MAX_ZERO_SIZED) {
            return Some(self.remaining);
        }
        let declared_before = message.declared.saturating_sub(self.declared);
        Some(message.rare.hint_low(self.remaining, length, message.input.arrived(), declared_before))
    }
}

impl<'de, L: Layout, E: Carried> de::SeqAccess<'de> for Elements<'_, '_, 'de, L, E> {
    type Error = E;

    #[inline]
    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, E> {
        self.next(seed)
    }

    fn size_hint(&self) -> Option<usize> {
        self.plausible()
    }
}

impl<'de, L: Layout, E: Carried> de::MapAccess<'de> for Elements<'_, '_, 'de, L, E> {
    type Error = E;

    #[inline]
    fn next_key_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, E> {
        self.next(seed)
    }

    #[inline]
    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, E> {
        match seed.deserialize(self.deserializer.reborrow()) {
            Ok(value) => Ok(value),
            Err(error) => Err(self.failed::<T>(error)),
        }
    }

    fn size_hint(&self) -> Option<usize> {
        self.plausible()
    }
}

/// The fields of a tuple, an array, a struct or a variant, whose number is the type's.
pub(super) struct Fields<'m, 'a, 'de, L, E> {
    pub(super) deserializer: Deserializer<'m, 'a, 'de, L, E>,
    pub(super) remaining: usize,
}

impl<'de, L: Layout, E: Carried> de::SeqAccess<'de> for Fields<'_, '_, 'de, L, E> {
    type Error = E;

    #[inline]
    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, E> {
        if self.remaining == 0 {
            return Ok(None);
        }
        self.remaining -= 1;
        seed.deserialize(self.deserializer.reborrow()).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.remaining)
    }
}
