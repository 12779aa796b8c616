//! Messages for customers when something goes wrong, in English and Spanish.

use crate::models::Language;

/// Something to tell a customer. The provider's own words are for merchants, and name fields and databases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CustomerMessage {
    AskBank,
    BelowMinimum,
    Cancelled,
    CannotPay,
    CannotRefund,
    Checking,
    Expired,
    NoPayment,
    NotConfirmed,
    OtherCustomer,
    OverLimits,
    SameCard,
    TryAgain,
}

impl CustomerMessage {
    pub(super) fn to(self, language: Language) -> &'static str {
        let (english, spanish) = self.in_both();
        match language {
            Language::English => english,
            Language::Spanish => spanish,
        }
    }

    const fn in_both(self) -> (&'static str, &'static str) {
        match self {
            Self::AskBank => (
                "ATH Móvil could not process this. Please check your account with your bank.",
                "ATH Móvil no pudo procesarlo. Verifica tu cuenta con tu institución financiera.",
            ),
            Self::BelowMinimum => {
                ("The amount is below ATH Móvil's minimum.", "El monto está por debajo del mínimo de ATH Móvil.")
            }
            Self::Cancelled => ("This payment was cancelled.", "Este pago fue cancelado."),
            Self::CannotPay => (
                "This payment can't be made at the moment. Please contact the business.",
                "Este pago no se puede realizar en este momento. Comunícate con el comercio.",
            ),
            Self::CannotRefund => ("The refund could not be made.", "No se pudo realizar el reembolso."),
            Self::Checking => (
                "We are checking whether your payment went through. Please don't pay again.",
                "Estamos verificando si tu pago se completó. Por favor, no pagues de nuevo.",
            ),
            Self::Expired => (
                "The time to approve this payment is over. Please start again.",
                "El tiempo para aprobar este pago terminó. Inténtalo de nuevo.",
            ),
            Self::NoPayment => ("There is no such payment.", "Este pago no existe."),
            Self::NotConfirmed => (
                "The payment isn't approved yet. Please approve it in the ATH Móvil app.",
                "El pago aún no está aprobado. Apruébalo en la aplicación de ATH Móvil.",
            ),
            Self::OtherCustomer => ("Another customer has taken this payment.", "Otro cliente ya tomó este pago."),
            Self::OverLimits => (
                "The amount is over your ATH Móvil, bank or card limits.",
                "El monto excede los límites de ATH Móvil, de tu banco o de tu tarjeta.",
            ),
            Self::SameCard => (
                "The card is the business's own. Please use another one.",
                "La tarjeta es la misma del comercio. Usa otra tarjeta.",
            ),
            Self::TryAgain => (
                "ATH Móvil is not available right now. Please try again in a moment.",
                "ATH Móvil no está disponible ahora. Inténtalo de nuevo en unos momentos.",
            ),
        }
    }
}
