package tui

import "sickbay/health"

func alertID(a health.Alert) string { return a.Name + "/" + a.Service }
