//! A list that mostly has one element, for which it takes no memory elsewhere.

use std::iter::Chain;
use std::{option, vec};

/// A list that mostly has one element.
#[derive(Debug)]
pub(super) struct Few<T> {
    first: Option<T>,
    others: Vec<T>,
}

impl<T> Default for Few<T> {
    fn default() -> Self {
        Self { first: None, others: Vec::new() }
    }
}

impl<T> Few<T> {
    pub(super) fn push(&mut self, element: T) {
        match self.first {
            None => self.first = Some(element),
            Some(_) => self.others.push(element),
        }
    }

    pub(super) fn len(&self) -> usize {
        usize::from(self.first.is_some()) + self.others.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.first.is_none()
    }
}

impl<T> IntoIterator for Few<T> {
    type Item = T;
    type IntoIter = Chain<option::IntoIter<T>, vec::IntoIter<T>>;

    fn into_iter(self) -> Self::IntoIter {
        self.first.into_iter().chain(self.others)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_a_list() {
        for len in 0..4 {
            let mut few = Few::default();
            (0..len).for_each(|number| few.push(number));
            assert_eq!((few.len(), few.is_empty()), (len, len == 0));
            assert_eq!(few.into_iter().collect::<Vec<_>>(), (0..len).collect::<Vec<_>>());
        }
    }
}
