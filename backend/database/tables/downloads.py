"""Photographs that are fetched from addresses."""

from datetime import datetime

from sqlalchemy import Index, Integer, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.database.tables.base import NOW, Base, of_product


class ImageDownload(Base):
    __tablename__ = "image_downloads"
    product_id: Mapped[int] = mapped_column(of_product(), primary_key=True, autoincrement=False)
    url: Mapped[str]
    state: Mapped[str] = mapped_column(server_default=text("'waiting'"))
    attempts: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    reason: Mapped[str | None]
    sha256: Mapped[bytes | None]
    changed_at: Mapped[datetime] = mapped_column(server_default=NOW)
    __table_args__ = (Index("image_downloads_waiting_idx", "product_id", postgresql_where=text("state = 'waiting'")),)
