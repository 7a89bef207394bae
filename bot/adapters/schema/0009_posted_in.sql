-- Where a job's final message stands when that is not the order's channel.

ALTER TABLE jobs ADD COLUMN posted_in INTEGER; -- channel id of its member's direct messages
