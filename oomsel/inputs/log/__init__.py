"""From a report in a kernel log to a scenario; nothing else imports both klog and scenario."""
