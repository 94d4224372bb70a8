"""What Shelfmate is compared with: one class for each engine, none of which is needed to install or run Shelfmate."""
