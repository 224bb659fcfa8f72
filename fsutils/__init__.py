# SPDX-License-Identifier: BSD-2-Clause
"""Files inside disk images: the commands of `fsu`, and the Python library under them.

    from rump.fsutils import open_image

    with open_image("disk.img@2") as image:
        print((image / "etc" / "hostname").read_text())
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.fsutils.image import Image, mount, open_image
    from rump.fsutils.image_path import ImagePath

__all__ = ["Image", "ImagePath", "mount", "open_image"]


def __getattr__(name: str) -> object:
    """The library, loaded when first asked for: the commands start without it."""
    if name in __all__:
        from rump.fsutils import image

        return getattr(image, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
