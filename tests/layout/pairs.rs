//! Pairs of types that are made up at random, held against what real bincode reads of one as the other.

use std::collections::{BTreeMap, BTreeSet};

use super::made_up::{FIELDS, Fields, Form, LEAVES, Parts, Payload, Random, Type, VARIANTS, a_type};

/// Which other names the definitions get.
const OTHER_NAMES: [&str; 6] = ["Order", "Kind", "Node", "Value", "Bounds", "Item"];

/// One edit of a form, or none where there is nothing to edit like that. Each is another form on the wire.
fn edit_form(random: &mut Random, form: &mut Form) -> Option<&'static str> {
    let old = form.clone();
    let what = match random.below(7) {
        0 => {
            *form = LEAVES[random.below(LEAVES.len())].clone();
            "another leaf"
        }
        1 => {
            *form = Form::Option(Box::new(old.clone()));
            "made optional"
        }
        2 => {
            *form = Form::List(Box::new(old.clone()));
            "made a list"
        }
        3 => match form {
            Form::Option(within) | Form::List(within) => {
                *form = (**within).clone();
                "no longer optional or a list"
            }
            _ => return None,
        },
        4 => match form {
            Form::Tuple(forms) => {
                forms.push(Form::U8);
                "an element more"
            }
            _ => return None,
        },
        5 => match form {
            Form::Tuple(forms) if forms.len() > 1 => {
                forms.pop();
                "an element less"
            }
            _ => return None,
        },
        _ => match form {
            Form::Map(entry) => {
                *form = Form::List(Box::new(Form::Tuple(vec![entry.0.clone(), entry.1.clone()])));
                "a map as a list"
            }
            _ => return None,
        },
    };
    (*form != old).then_some(what)
}

fn edit_fields(random: &mut Random, fields: &mut Fields) -> Option<&'static str> {
    let (at, other) = (random.below(fields.len()), random.below(fields.len()));
    let unused = FIELDS.into_iter().find(|name| fields.iter().all(|(of, _)| of != name))?;
    Some(match random.below(5) {
        0 => {
            fields.insert(at, (unused, Form::U8));
            "a field more"
        }
        1 if fields.len() > 1 => {
            fields.remove(at);
            "a field less"
        }
        2 if at != other => {
            fields.swap(at, other);
            "fields in another order"
        }
        3 => {
            fields[at].0 = unused;
            "a field renamed"
        }
        _ => return edit_form(random, &mut fields[at].1),
    })
}

fn edit_variants(random: &mut Random, variants: &mut Vec<(&'static str, Payload)>) -> Option<&'static str> {
    let (at, other) = (random.below(variants.len()), random.below(variants.len()));
    let unused = VARIANTS.into_iter().find(|name| variants.iter().all(|(of, _)| of != name))?;
    Some(match random.below(7) {
        0 => {
            variants.push((unused, Payload::Unit));
            "a variant appended"
        }
        1 => {
            variants.insert(at, (unused, Payload::Unit));
            "a variant inserted"
        }
        2 if at > 0 => {
            variants.remove(at);
            "a variant less"
        }
        3 if at > 0 && other > 0 && at != other => {
            variants.swap(at, other);
            "variants in another order"
        }
        4 => {
            variants[at].0 = unused;
            "a variant renamed"
        }
        _ => return edit_payload(random, &mut variants[at].1),
    })
}

fn edit_payload(random: &mut Random, payload: &mut Payload) -> Option<&'static str> {
    let (what, edited) = match payload {
        Payload::Unit => ("a unit variant filled", Payload::Newtype(Form::U8)),
        Payload::Newtype(Form::Unit) => return None,
        Payload::Newtype(form) => match random.below(3) {
            0 => ("a newtype variant emptied", Payload::Unit),
            1 => ("a newtype variant with a name", Payload::Struct(vec![("a", form.clone())])),
            _ => return edit_form(random, form),
        },
        Payload::Tuple(forms) => match random.below(3) {
            0 => ("an element of a variant more", Payload::Tuple([&forms[..], &[Form::U8]].concat())),
            1 => {
                let fields = FIELDS.into_iter().zip(forms.iter().cloned());
                ("a tuple variant with names", Payload::Struct(fields.collect()))
            }
            _ => {
                let at = random.below(forms.len());
                return edit_form(random, &mut forms[at]);
            }
        },
        Payload::Struct(fields) => match random.below(4) {
            0 => {
                let forms = fields.iter().map(|(_, form)| form.clone());
                ("a struct variant without names", Payload::Tuple(forms.collect()))
            }
            _ => return edit_fields(random, fields),
        },
    };
    *payload = edited;
    Some(what)
}

impl Type {
    /// The definitions that are reached, with how far they are from the root.
    fn reached(&self) -> Vec<(usize, usize)> {
        fn within(form: &Form, all: &mut Vec<usize>) {
            match form {
                Form::Option(form) | Form::List(form) | Form::Newtype(form) => within(form, all),
                Form::Map(entry) => {
                    within(&entry.0, all);
                    within(&entry.1, all);
                }
                Form::Tuple(forms) => forms.iter().for_each(|form| within(form, all)),
                Form::Named(named) => all.push(*named),
                _ => {}
            }
        }
        let (mut reached, mut next, mut depth) = (Vec::new(), Vec::new(), 0);
        within(&self.root, &mut next);
        while !next.is_empty() {
            let mut further = Vec::new();
            for named in next {
                if reached.iter().any(|&(of, _)| of == named) {
                    continue;
                }
                reached.push((named, depth));
                let mut all = |form| within(form, &mut further);
                match &self.definitions[named].parts {
                    Parts::Fields(fields) => fields.iter().for_each(|(_, form)| all(form)),
                    Parts::Variants(variants) => variants.iter().for_each(|(_, payload)| match payload {
                        Payload::Unit => {}
                        Payload::Newtype(form) => all(form),
                        Payload::Tuple(forms) => forms.iter().for_each(&mut all),
                        Payload::Struct(fields) => fields.iter().for_each(|(_, form)| all(form)),
                    }),
                }
            }
            (next, depth) = (further, depth + 1);
        }
        reached
    }

    /// The type after one edit, what that was, and how deep.
    fn edited(&self, random: &mut Random) -> (Self, &'static str, usize) {
        loop {
            let mut edited = self.clone();
            let reached = self.reached();
            let (what, depth) = match random.below(8) {
                0 => (edit_form(random, &mut edited.root), 0),
                _ if reached.is_empty() => continue,
                _ => {
                    let (named, depth) = random.one(&reached);
                    let what = match &mut edited.definitions[named].parts {
                        Parts::Fields(fields) => edit_fields(random, fields),
                        Parts::Variants(variants) => edit_variants(random, variants),
                    };
                    (what, depth + 1)
                }
            };
            if let Some(what) = what.filter(|_| edited.has_values()) {
                return (edited, what, depth);
            }
        }
    }

    /// Whether every struct and enum that is reached has a value that ends.
    fn has_values(&self) -> bool {
        fn ends(form: &Form, all: &[bool]) -> bool {
            match form {
                Form::Tuple(forms) => forms.iter().all(|form| ends(form, all)),
                Form::Newtype(form) => ends(form, all),
                Form::Named(named) => all[*named],
                _ => true,
            }
        }
        let mut all = vec![false; self.definitions.len()];
        for _ in 0..all.len() {
            for (index, definition) in self.definitions.iter().enumerate() {
                let of_fields = |fields: &Fields| fields.iter().all(|(_, form)| ends(form, &all));
                all[index] = match &definition.parts {
                    Parts::Fields(fields) => of_fields(fields),
                    Parts::Variants(variants) => variants.iter().any(|(_, payload)| match payload {
                        Payload::Unit => true,
                        Payload::Newtype(form) => ends(form, &all),
                        Payload::Tuple(forms) => forms.iter().all(|form| ends(form, &all)),
                        Payload::Struct(fields) => of_fields(fields),
                    }),
                };
            }
        }
        self.reached().iter().all(|&(named, _)| all[named])
    }

    fn renamed(&self) -> Self {
        let mut renamed = self.clone();
        for (definition, name) in renamed.definitions.iter_mut().zip(OTHER_NAMES) {
            definition.name = name;
        }
        renamed
    }
}

/// Whether two forms are one, by the rules and not by the tracer.
struct Alike<'t> {
    one: &'t Type,
    other: &'t Type,
    /// Which definitions are alike if all else is.
    assumed: Vec<(usize, usize)>,
}

/// What a variant carries, however it is declared.
enum Carried<'t> {
    Nothing,
    One(&'t Form),
    Elements(&'t [Form]),
    Fields(&'t Fields),
}

fn carried(payload: &Payload) -> Carried<'_> {
    match payload {
        Payload::Unit => Carried::Nothing,
        Payload::Newtype(form) => match within(form) {
            Form::Unit => Carried::Nothing,
            Form::Tuple(forms) => Carried::Elements(forms),
            form => Carried::One(form),
        },
        Payload::Tuple(forms) => Carried::Elements(forms),
        Payload::Struct(fields) => Carried::Fields(fields),
    }
}

/// What a newtype holds.
fn within(form: &Form) -> &Form {
    if let Form::Newtype(form) = form { within(form) } else { form }
}

impl Alike<'_> {
    fn forms(&mut self, one: &Form, other: &Form) -> bool {
        match (within(one), within(other)) {
            (Form::Bytes, Form::List(form)) | (Form::List(form), Form::Bytes) => *within(form) == Form::U8,
            (Form::Option(one), Form::Option(other)) | (Form::List(one), Form::List(other)) => self.forms(one, other),
            (Form::Map(one), Form::Map(other)) => self.forms(&one.0, &other.0) && self.forms(&one.1, &other.1),
            (Form::Tuple(one), Form::Tuple(other)) => self.elements(one, other),
            (&Form::Named(one), &Form::Named(other)) => self.named(one, other),
            (one, other) => one == other,
        }
    }

    fn elements(&mut self, one: &[Form], other: &[Form]) -> bool {
        one.len() == other.len() && one.iter().zip(other).all(|(one, other)| self.forms(one, other))
    }

    fn fields(&mut self, one: &Fields, other: &Fields) -> bool {
        let mut pairs = one.iter().zip(other);
        one.len() == other.len() && pairs.all(|(one, other)| one.0 == other.0 && self.forms(&one.1, &other.1))
    }

    fn named(&mut self, one: usize, other: usize) -> bool {
        if self.assumed.contains(&(one, other)) {
            return true;
        }
        self.assumed.push((one, other));
        let (these, those) = (self.one, self.other);
        match (&these.definitions[one].parts, &those.definitions[other].parts) {
            (Parts::Fields(one), Parts::Fields(other)) => self.fields(one, other),
            (Parts::Variants(one), Parts::Variants(other)) => {
                let mut pairs = one.iter().zip(other);
                one.len() == other.len()
                    && pairs.all(|((name, one), (of, other))| {
                        name == of
                            && match (carried(one), carried(other)) {
                                (Carried::Nothing, Carried::Nothing) => true,
                                (Carried::One(one), Carried::One(other)) => self.forms(one, other),
                                (Carried::Elements(one), Carried::Elements(other)) => self.elements(one, other),
                                (Carried::Fields(one), Carried::Fields(other)) => self.fields(one, other),
                                _ => false,
                            }
                    })
            }
            _ => false,
        }
    }
}

impl Type {
    fn is_alike(&self, other: &Self) -> bool {
        Alike { one: self, other, assumed: Vec::new() }.forms(&self.root, &other.root)
    }
}

const TYPES: u64 = if cfg!(debug_assertions) { 1000 } else { 20_000 };

#[test]
fn every_edit_of_a_made_up_type_changes_the_fingerprint_and_a_rename_does_not() {
    let mut kinds = BTreeMap::<_, BTreeSet<usize>>::new();
    for seed in 1..=TYPES {
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let one = a_type(&mut random);
        let fingerprint = one.fingerprint();
        assert_eq!(one.renamed().fingerprint(), fingerprint, "{}", one.text());
        for _ in 0..4 {
            let (other, what, depth) = one.edited(&mut random);
            let is_changed = other.fingerprint() != fingerprint;
            // A form that was edited may say the same as before: bytes are a list of `u8`, a unit is no payload.
            assert!(is_changed || one.is_alike(&other), "{what}:\n{}\n\n{}", one.text(), other.text());
            assert!(!is_changed || !one.is_alike(&other), "{what}:\n{}\n\n{}", one.text(), other.text());
            kinds.entry(what).or_default().insert(depth);
        }
    }
    assert_eq!(kinds.len(), 22, "{kinds:?}");
    for (what, depths) in kinds {
        assert!((1..3).all(|depth| depths.contains(&depth)), "{what} at {depths:?}");
    }
}

/// Real bincode reads the bytes of one type as another, all of them, and they say something else: such a pair never has one
/// fingerprint. And where there is one, they always say the same.
#[test]
fn what_real_bincode_misreads_has_two_fingerprints() {
    let (mut misread, mut refused, mut same) = (0, 0, 0);
    for seed in 1..=TYPES {
        let mut random = Random(seed.wrapping_mul(0xd1b5_4a32_d192_ed03));
        let one = a_type(&mut random);
        let mut others = vec![one.renamed(), a_type(&mut random)];
        for edits in 1..=3 {
            let edited = (0..edits).fold(one.clone(), |edited, _| edited.edited(&mut random).0);
            others.push(edited);
        }
        let fingerprints: Vec<_> = others.iter().map(Type::fingerprint).collect();
        let of_one = one.fingerprint();
        for _ in 0..8 {
            let value = one.value(&mut random, &one.root, 4);
            let bytes = one.write(&value);
            let says = one.says(&one.root, &value);
            assert_eq!(one.read(&bytes).map(|read| one.says(&one.root, &read)).as_ref(), Some(&says), "{}", one.text());
            for (other, of_other) in others.iter().zip(&fingerprints) {
                let read = other.read(&bytes).map(|value| other.says(&other.root, &value));
                let (is_same, is_one) = (read.as_ref() == Some(&says), *of_other == of_one);
                assert!(is_same || !is_one, "{says} as {read:?}:\n{}\n\n{}", one.text(), other.text());
                match read {
                    None => refused += 1,
                    Some(_) if is_one => same += 1,
                    Some(_) if !is_same => misread += 1,
                    Some(_) => {}
                }
            }
        }
    }
    println!("{misread} misread, {refused} refused, {same} the same");
    assert!(misread >= 3 * TYPES && refused >= 3 * TYPES && same >= 8 * TYPES);
}
