//! The macros that the generated services are written in: a line an operation, a line an optional input, a line a wait.

/// Writes the methods of a service's handle, each of which prepares one call.
///
/// `name(argument: type, …) -> operation;` becomes a method that takes `impl Into<type>` for each argument, passes them
/// to `new` of the operation in this order, and returns a [`Call`](crate::call::Call) that nothing has been sent for
/// yet.
macro_rules! calls {
    ($handle:ident { $($(#[$meta:meta])* $name:ident($($argument:ident: $ty:ty),*) -> $operation:ty;)* }) => {
        impl $handle {
            $(
                $(#[$meta])*
                pub fn $name(&self, $($argument: impl Into<$ty>),*) -> $crate::call::Call<$operation> {
                    $crate::call::Call::new(self.client.clone(), <$operation>::new($($argument),*))
                }
            )*
        }
    };
}

/// Writes the setters of an operation's optional inputs.
///
/// `field: type` becomes a method of that name on the operation's [`Call`](crate::call::Call), whose documentation
/// leads to the field's. Where the name is taken by a method of `Call`, `method = field: type` gives it another.
macro_rules! setters {
    ($operation:ty { $($(#[$meta:meta])* $method:ident $(= $field:ident)?: $ty:ty,)* }) => {
        // The text is put together where there are docs.
        #[allow(missing_docs)]
        impl $crate::call::Call<$operation> {
            $($crate::handle::setter!($operation, [$(#[$meta])*] $method, $($field,)? $method: $ty);)*
        }
    };
}

/// One setter; the first of the names after the method's is the field's.
macro_rules! setter {
    ($operation:ty, [$($meta:tt)*] $method:ident, $field:ident $(, $_method:ident)?: $ty:ty) => {
        #[cfg_attr(doc, doc = concat!("Sets [`", stringify!($field), "`](field@", stringify!($operation), "::", stringify!($field), ")."))]
        $($meta)*
        pub fn $method(self, value: impl Into<$ty>) -> Self {
            self.map(|operation| operation.$field = Some(value.into()))
        }
    };
}

/// Writes `wait()` for the operations that start something worth waiting for, each with the type that waits for it.
macro_rules! waits {
    ($($(#[$meta:meta])* $operation:ty => $waiter:ident;)*) => {$(
        $(#[$meta])*
        impl $crate::call::Call<$operation> {
            /// Makes the call and waits until what it started has finished.
            pub fn wait(self) -> $crate::waiter::$waiter<$operation> {
                $crate::waiter::$waiter::new(self)
            }
        }
    )*};
}

pub(crate) use {calls, setter, setters, waits};
