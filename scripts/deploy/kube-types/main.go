// Reads objects of Kubernetes as JSON, one a line, from stdin, and decodes each strictly into its type: an unknown field, a wrong
// kind of value or an unknown kind is a line on stdout. Ends with 0 when all were read; what to make of the lines is the caller's.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	strict "sigs.k8s.io/json"
)

var types = map[string]func() any{
	"v1/ConfigMap":                           func() any { return &corev1.ConfigMap{} },
	"v1/Service":                             func() any { return &corev1.Service{} },
	"v1/ServiceAccount":                      func() any { return &corev1.ServiceAccount{} },
	"apps/v1/StatefulSet":                    func() any { return &appsv1.StatefulSet{} },
	"autoscaling/v2/HorizontalPodAutoscaler": func() any { return &autoscalingv2.HorizontalPodAutoscaler{} },
	"policy/v1/PodDisruptionBudget":          func() any { return &policyv1.PodDisruptionBudget{} },
	"networking.k8s.io/v1/NetworkPolicy":     func() any { return &networkingv1.NetworkPolicy{} },
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var head struct {
			APIVersion string `json:"apiVersion"`
			Kind       string `json:"kind"`
		}
		if err := json.Unmarshal(lines.Bytes(), &head); err != nil {
			fmt.Println("not an object:", err)
			continue
		}
		name := head.APIVersion + "/" + head.Kind
		make, isKnown := types[name]
		if !isKnown {
			fmt.Println(name + ": no such type here")
			continue
		}
		// As the API server reads: names count to the letter, unlike in encoding/json.
		problems, err := strict.UnmarshalStrict(lines.Bytes(), make())
		if err != nil {
			problems = append(problems, err)
		}
		for _, problem := range problems {
			fmt.Println(name + ": " + problem.Error())
		}
	}
	if err := lines.Err(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
