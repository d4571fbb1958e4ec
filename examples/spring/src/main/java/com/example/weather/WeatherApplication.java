package com.example.weather;

import java.util.Map;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.security.access.prepost.PreAuthorize;
import org.springframework.security.config.annotation.method.configuration.EnableMethodSecurity;
import org.springframework.security.core.annotation.AuthenticationPrincipal;
import org.springframework.security.oauth2.jwt.Jwt;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

/** An API with one resource, which requires an access token with the scope read. */
@SpringBootApplication
@EnableMethodSecurity
@RestController
public class WeatherApplication {

    public static void main(String[] args) {
        SpringApplication.run(WeatherApplication.class, args);
    }

    @GetMapping("/weather")
    @PreAuthorize("hasAuthority('SCOPE_read')")
    Map<String, String> weather(@AuthenticationPrincipal Jwt token) {
        return Map.of("client", token.getClaimAsString("client_id"), "subject", token.getSubject());
    }
}
