-- When the mails that tell a team of a campaign were planned; empty as soon as it is known that one has arrived.
ALTER TABLE campaign_known ADD COLUMN told_at BIGINT;
