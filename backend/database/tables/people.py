"""What upkeep counts of people: interest by day, what is wanted now, and what is bought together."""

from datetime import date, datetime

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.database.tables.base import Base


class DailyInterest(Base):
    __tablename__ = "daily_interest"
    product_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    day: Mapped[date] = mapped_column(primary_key=True)
    evidence: Mapped[float]
    __table_args__ = (Index("daily_interest_day_idx", "day", postgresql_include=["product_id", "evidence"]),)


class CountedInterest(Base):
    __tablename__ = "counted_interest"
    product_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    recent: Mapped[float]
    trend: Mapped[float]
    __table_args__ = (
        Index("counted_interest_recent_idx", text("recent DESC"), "product_id"),
        Index("counted_interest_trend_idx", text("trend DESC"), "product_id", postgresql_where=text("trend > 0")),
    )


class InterestCounts(Base):
    __tablename__ = "interest_counts"
    only_one: Mapped[bool] = mapped_column(primary_key=True, server_default=text("true"))
    counted_at: Mapped[datetime]
    whole_at: Mapped[datetime]


class BoughtPair(Base):
    __tablename__ = "bought_pairs"
    product_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    other_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    people: Mapped[int]


class BoughtCounts(Base):
    __tablename__ = "bought_counts"
    only_one: Mapped[bool] = mapped_column(primary_key=True, server_default=text("true"))
    counted_at: Mapped[datetime]
