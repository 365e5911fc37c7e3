//! Values by keys that are never given twice. A key says where its value lies, so none is searched for.

use alloc::vec::Vec;

/// Values, each with a key of its own.
#[derive(Debug)]
pub(crate) struct Slots<T> {
    slots: Vec<Slot<T>>,
    free: Vec<u32>,
    len: usize,
}

#[derive(Debug)]
struct Slot<T> {
    /// How often something was put here: the upper half of the key, of which the lower half is the place.
    generation: u32,
    value: Option<T>,
}

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Self { slots: Vec::new(), free: Vec::new(), len: 0 }
    }
}

fn place(key: u64) -> usize {
    key as u32 as usize
}

fn generation(key: u64) -> u32 {
    (key >> 32) as u32
}

impl<T> Slots<T> {
    /// Puts a value somewhere, and returns its key.
    pub(crate) fn insert(&mut self, value: T) -> u64 {
        let place = self.free.pop().unwrap_or(self.slots.len() as u32);
        let before = self.slots.get(place as usize).map_or(0, |slot| slot.generation);
        let key = u64::from(before + 1) << 32 | u64::from(place);
        self.insert_beside(key, value);
        key
    }

    /// Puts a value under a key that other slots have given, which are the only ones to give keys for these.
    pub(crate) fn insert_beside(&mut self, key: u64, value: T) {
        let place = place(key);
        while self.slots.len() <= place {
            self.slots.push(Slot { generation: 0, value: None });
        }
        self.len += usize::from(self.slots[place].value.is_none());
        self.slots[place] = Slot { generation: generation(key), value: Some(value) };
    }

    /// Takes a value away. Its key is not given again.
    pub(crate) fn remove(&mut self, key: u64) -> Option<T> {
        let value = self.remove_beside(key)?;
        // After four thousand million values, a place is given up.
        if generation(key) < u32::MAX {
            self.free.push(place(key) as u32);
        }
        Some(value)
    }

    /// Takes a value away whose key other slots have given.
    pub(crate) fn remove_beside(&mut self, key: u64) -> Option<T> {
        let slot =
            self.slots.get_mut(place(key)).filter(|its| its.generation == generation(key))?;
        let value = slot.value.take()?;
        self.len -= 1;
        Some(value)
    }

    pub(crate) fn get(&self, key: u64) -> Option<&T> {
        let slot = self.slots.get(place(key)).filter(|its| its.generation == generation(key))?;
        slot.value.as_ref()
    }

    pub(crate) fn get_mut(&mut self, key: u64) -> Option<&mut T> {
        let slot =
            self.slots.get_mut(place(key)).filter(|its| its.generation == generation(key))?;
        slot.value.as_mut()
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The keys of all values, by their places.
    pub(crate) fn keys(&self) -> impl Iterator<Item = u64> {
        let slots = (0_u64..).zip(&self.slots);
        let used = slots.filter(|(_, slot)| slot.value.is_some());
        used.map(|(place, slot)| u64::from(slot.generation) << 32 | place)
    }
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeMap;
    use alloc::vec::Vec;

    use super::*;

    #[test]
    fn values_are_found_by_their_keys_alone() {
        let (mut slots, mut model, mut gone) = (Slots::default(), BTreeMap::new(), Vec::new());
        let mut random = 1_u64;
        for step in 0..10_000_u64 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let some = model.keys().nth((random >> 33) as usize % (model.len() + 1)).copied();
            match some {
                Some(key) if random >> 62 != 0 || model.len() > 50 => {
                    assert_eq!(slots.remove(key), model.remove(&key));
                    gone.push(key);
                }
                _ => {
                    let key = slots.insert(step);
                    assert!(!gone.contains(&key), "given twice");
                    assert_eq!(model.insert(key, step), None);
                }
            }
            assert_eq!(slots.len(), model.len());
        }
        let mut keys: Vec<_> = slots.keys().collect();
        keys.sort_unstable();
        assert_eq!(keys, model.keys().copied().collect::<Vec<_>>());
        for (key, value) in &mut model {
            assert_eq!(slots.get(*key), Some(&*value));
            assert_eq!(slots.get_mut(*key), Some(value));
        }
        assert!(gone.iter().all(|key| slots.get(*key).is_none() && slots.remove(*key).is_none()));
    }

    #[test]
    fn slots_beside_others_know_the_same_keys() {
        let (mut first, mut beside) = (Slots::default(), Slots::default());
        let (one, two) = (first.insert(()), first.insert(()));
        beside.insert_beside(two, 'b');
        assert_eq!((beside.get(one), beside.get(two), beside.len()), (None, Some(&'b'), 1));
        first.remove(two);
        let three = first.insert(());
        assert_eq!((place(three), beside.get(three)), (place(two), None));
        beside.insert_beside(three, 'c');
        assert_eq!(beside.get(two), None);
        assert_eq!(beside.remove_beside(two), None);
        assert_eq!(beside.remove_beside(three), Some('c'));
        assert_eq!(beside.len(), 0);
    }
}
