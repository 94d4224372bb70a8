-- signals.sql undone.
DROP FUNCTION forget_user(text), user_history(text, integer, double precision, timestamptz), recent_signals(text, timestamptz),
    weigh_history(person_signal[], double precision, timestamptz), signal_weight(text, real), check_positive(double precision, text);
DROP TYPE person_signal, weighed_product;
DROP VIEW user_signals;
DROP INDEX events_owner_idx, events_owned_idx, reviews_written_at_idx;
