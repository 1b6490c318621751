"""Documents of deliveries to web hooks."""

from __future__ import annotations

from tympan.domain.web_hook import DeliveryState, HookDelivery
from tympan.wire.addresses import Addresses, optional_reference, reference
from tympan.wire.values import Document, optional_timestamp, present, timestamp


def delivery_document(delivery: HookDelivery, addresses: Addresses) -> Document:
    """A delivery as the owner of its web hook sees it."""
    own = addresses.ours("webhooks", delivery.hook_id, "deliveries", delivery.id)
    collection, is_waiting = delivery.collection, delivery.state is DeliveryState.WAITING
    entity = None if collection is None else optional_reference(collection, delivery.entity_id, addresses)
    return present(
        {
            "self": own,
            "id": delivery.id,
            "webHook": reference(addresses.management("webhooks", delivery.hook_id)),
            "event": delivery.event.value,
            "entity": entity,
            "state": delivery.state.value,
            "attempts": delivery.attempts,
            "lastStatus": delivery.last_status,
            "lastError": delivery.last_error,
            "links": {"replay": f"{own}:replay"},
            "createdDateTime": timestamp(delivery.created_at),
            "lastAttemptDateTime": optional_timestamp(delivery.last_attempt_at),
            "nextAttemptDateTime": timestamp(delivery.next_attempt_at) if is_waiting else None,
            "finishedDateTime": optional_timestamp(delivery.finished_at),
        }
    )
