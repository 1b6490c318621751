"""Models that can tell languages apart."""

from datetime import timedelta

from tympan.domain.model import Bundle, BundleFile
from tympan.testing.entities import START, make_base_model
from tympan.testing.store import MemoryStore
from tympan.usecases.model_lookup import multilingual_bundles


def bundle(letter):
    return Bundle(engine="e", files=(BundleFile(name="model.bin", sha256=letter * 64, size_bytes=1),))


def test_what_serves_several_languages_is_found_the_latest_release_first():
    store, now = MemoryStore(), START
    offered = [
        ("english", "en-US", now, None),
        ("english", "en-GB", now, None),
        ("older", "en-US", now - timedelta(days=9), None),
        ("older", "fr-FR", now - timedelta(days=9), None),
        ("newer", "fr-FR", now - timedelta(days=3), None),
        ("newer", "de-DE", now - timedelta(days=3), None),
        ("expired", "de-DE", now, now - timedelta(days=1)),
        ("expired", "fr-FR", now, now - timedelta(days=1)),
    ]
    with store.write() as tx:
        for index, (name, locale, released_at, expires_at) in enumerate(offered):
            model = make_base_model(
                id=f"m{index}",
                locale=locale,
                bundle=bundle(name[0]),
                released_at=released_at,
                decoding_expires_at=expires_at,
            )
            tx.base_models.add(model)
    with store.read() as tx:
        assert multilingual_bundles(tx, now) == (bundle("n"), bundle("o"))
