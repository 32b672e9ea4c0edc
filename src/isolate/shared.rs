//! What the jobs of an isolate share from one run to the next, such as the limits of an API.

use std::any::Any;
use std::cell::RefCell;
use std::rc::Rc;

/// One value of each type that a handler asked for; a clone has the same values.
#[derive(Clone, Default)]
pub struct Shared(Rc<RefCell<Vec<Rc<dyn Any>>>>);

impl Shared {
    pub(crate) fn get<T: Default + 'static>(&self) -> Rc<T> {
        let mut values = self.0.borrow_mut();
        let existing = values
            .iter()
            .find_map(|value| value.clone().downcast().ok());
        existing.unwrap_or_else(|| {
            let value = Rc::new(T::default());
            values.push(value.clone());
            value
        })
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn every_caller_gets_the_same_value_of_a_type() {
        let shared = Shared::default();
        shared.get::<Cell<u32>>().set(7);
        assert_eq!(shared.get::<Cell<u32>>().get(), 7);
        assert_eq!(shared.get::<Cell<u64>>().get(), 0);
    }
}
