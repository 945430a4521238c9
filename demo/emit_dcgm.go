package demo

import (
	"fmt"
	"math"
	"strconv"
)

const (
	gpusPerNode = 4
	gpuMiB      = 81559 // of an H100
)

// Names and labels: dcgm-exporter's etc/default-counters.csv.
type dcgm struct {
	busy, used, free, heat, power, fault, clock, tensor *gauge
}

func newDCGM(r *recorder, s *service, pod string, _ int) []part {
	var all []part
	for i := range gpusPerNode {
		gpu := strconv.Itoa(i)
		l := tags(s, pod, "dcgm-exporter").with("exported_pod", s.holds[0], "gpu", gpu, "device", "nvidia"+gpu, "Hostname", s.name,
			"modelName", "NVIDIA H100 80GB HBM3", "UUID", fmt.Sprintf("GPU-%08x-%04x", len(s.name)*7919+int(s.name[len(s.name)-1]), i))
		level := func(name, help string) *gauge { return r.gauge("DCGM_FI_"+name, help, l) }
		all = append(all, &dcgm{
			busy:   level("DEV_GPU_UTIL", "GPU utilization (in %)."),
			used:   level("DEV_FB_USED", "Framebuffer memory used (in MiB)."),
			free:   level("DEV_FB_FREE", "Framebuffer memory free (in MiB)."),
			heat:   level("DEV_GPU_TEMP", "GPU temperature (in C)."),
			power:  level("DEV_POWER_USAGE", "Power draw (in W)."),
			fault:  level("DEV_XID_ERRORS", "Value of the last XID error encountered."),
			clock:  level("DEV_SM_CLOCK", "SM clock frequency (in MHz)."),
			tensor: level("PROF_PIPE_TENSOR_ACTIVE", "Ratio of cycles the tensor (HMMA) pipe is active."),
		})
	}
	return all
}

func (d *dcgm) tick(m *moment) {
	busy := m.mix(func(b *behaviour) float64 { return b.Busy })
	quiet := 0.06 * (1 - busy) / 0.4 // a full GPU does not wander
	d.busy.exactly(math.Round(100 * min(busy*(1+quiet*wander(d.busy.r.rng, &d.busy.sway)), 1)))
	used := math.Round(gpuMiB * m.mix(func(b *behaviour) float64 { return b.Memory }))
	d.used.exactly(used)
	d.free.exactly(gpuMiB - used)
	d.heat.exactly(math.Round(m.mix(func(b *behaviour) float64 { return b.Heat }) + 0.5*wander(d.heat.r.rng, &d.heat.sway)))
	d.power.about(m.mix(func(b *behaviour) float64 { return b.Current }), 0.03, 700)
	d.fault.exactly(0)
	d.clock.exactly(1980)
	d.tensor.about(busy*0.55, quiet, 1)
}
